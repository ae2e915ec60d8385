"""Alerts: a person is told once when something goes wrong, and once when it is over."""
