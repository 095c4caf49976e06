"""What the fuzz tests call with."""
