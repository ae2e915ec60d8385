"""Hints: what says that a source may have changed, so that a round follows at once."""
