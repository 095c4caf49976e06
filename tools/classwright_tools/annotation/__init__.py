"""Labels for unlabelled rows: which rows first, the batches of texts, the answers and how good they are."""
