"""Records as the API takes them."""
