"""Options that commands share, and commands that take a record of them."""
