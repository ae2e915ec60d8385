"""What each route does: decode, call the store, answer."""
