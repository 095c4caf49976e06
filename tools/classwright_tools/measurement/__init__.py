"""Metrics, intervals, paired tests, label issues, error clusters and reports."""
