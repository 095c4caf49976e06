"""Artifacts on disk and their index: immutable, versioned, with lineage."""
