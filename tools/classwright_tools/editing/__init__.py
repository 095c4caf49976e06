"""Editing: what a person, or a model, changes in a dataset's rows and labels, as one new version of it."""
