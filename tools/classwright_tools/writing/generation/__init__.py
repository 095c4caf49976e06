"""One call of `synthesize_examples` with a writer: targets, progress, and the check of the labels."""
