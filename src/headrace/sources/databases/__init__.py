"""Databases and files of databases: PostgreSQL, MySQL, SQLite, DuckDB, others."""
