"""Statements: their syntax tree, what they can leave out, how they run side by side."""
