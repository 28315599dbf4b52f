"""Rows and manifests on disk, written atomically."""
