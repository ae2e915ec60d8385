"""Singer taps."""
