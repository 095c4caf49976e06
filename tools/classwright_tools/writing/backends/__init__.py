"""Language models that write: each backend is one file; what they share stands beside them."""
