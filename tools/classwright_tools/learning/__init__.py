"""Encoders, heads, fine-tuning, calibration, and models on disk."""
