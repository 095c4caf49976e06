"""Exports of classifiers: the files that run without Classwright, and the code that runs them."""
