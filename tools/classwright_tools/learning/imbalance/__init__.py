"""Learning from classes of very different sizes."""
