"""The review of a dataset by persons: their decisions, and what they are shown to decide by."""
