"""The review page in a browser tab, for clients that show no pages."""
