"""Negatives made from matches: the query is overwritten by another one and the label becomes the mismatch."""
