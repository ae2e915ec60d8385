"""Models: files of SQL that a project has, from their text to canonical tables."""
