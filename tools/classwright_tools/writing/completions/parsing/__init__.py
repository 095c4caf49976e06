"""Reading a language model's answer: what it thought is left out, and the list that was asked for is found."""
