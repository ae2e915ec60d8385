"""The sync pages: what a person sees, and decides, of the organisations that a loop syncs."""
