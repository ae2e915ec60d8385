"""What can be seen of a running loop from outside: metrics, health, traces and a page."""
