"""Rows out of files, by the standard library alone: what the tools and the agent both read by."""
