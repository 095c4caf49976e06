"""Matching of text pairs: does this item answer this query? After QUARTS (Nguyen et al. 2020)."""
