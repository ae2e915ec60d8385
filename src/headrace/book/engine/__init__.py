"""A DuckDB engine as a book needs it, and its file."""
