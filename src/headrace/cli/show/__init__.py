"""Output of commands: JSON for machines, plain text for pipes, colour and progress for people."""
