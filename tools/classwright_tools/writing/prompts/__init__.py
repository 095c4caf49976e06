"""What a language model is asked: the templates, and the messages made of them."""
