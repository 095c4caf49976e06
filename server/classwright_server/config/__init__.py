"""The operator's settings, and what is made of them: writers, workspaces, principals."""
