"""Answers of a language model: asked for within a budget, kept the moment they arrive, and parsed."""
