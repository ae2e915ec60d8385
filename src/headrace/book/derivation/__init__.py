"""What follows from the canonical tables: families, links, fingerprints."""
