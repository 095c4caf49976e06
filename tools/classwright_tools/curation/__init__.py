"""Curation of rows: duplicates, quality gates, leaks, and rows on their way in."""
