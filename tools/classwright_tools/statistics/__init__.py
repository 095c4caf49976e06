"""Metrics, intervals, paired tests and rankings: figures of answers, whatever gave them."""
