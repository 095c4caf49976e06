"""Prompts for a language model: the templates, and the messages made of them."""
