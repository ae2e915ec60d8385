"""Drafts a project for a source that nobody has described yet."""
