"""Variants for the articles' tables: forms of the product's methods that were not kept."""
