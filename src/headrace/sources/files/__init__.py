"""Folders of exported files: CSV, Excel, JSON."""
