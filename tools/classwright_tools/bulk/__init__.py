"""Bulk classification: the rows of files, with their answers beside them, in a file."""
