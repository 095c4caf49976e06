"""The nouns that the tools read and write, as frozen pydantic models."""
