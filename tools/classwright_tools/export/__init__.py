"""A model as a folder that runs without Classwright."""
