"""Rules, and what they withhold."""
