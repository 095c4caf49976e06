"""What makes a row fit to keep: cleaning, duplicates, quality gates, leaks."""
