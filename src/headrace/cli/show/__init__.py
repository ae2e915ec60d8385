"""How commands talk: JSON for machines, plain text for pipes, colour and progress for people."""
