"""Billing and accounting systems that are known, each with its models."""
