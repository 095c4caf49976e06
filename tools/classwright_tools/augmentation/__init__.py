"""New training rows as embeddings: a conditional GAN, interpolation, distribution calibration; and how faithful."""
