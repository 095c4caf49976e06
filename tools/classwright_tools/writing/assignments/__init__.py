"""Assignments for the calling model: batches to write, and the texts that it submits."""
