"""Paths that no design replaces."""
