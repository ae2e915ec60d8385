"""The database that workers share: the register of organisations, and the queue of their rounds."""
