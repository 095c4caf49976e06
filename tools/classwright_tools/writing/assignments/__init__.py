"""What a calling model is to write, in batches, and the texts that it submits."""
