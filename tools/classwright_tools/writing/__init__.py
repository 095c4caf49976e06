"""The language models that write texts: requests, backends, budgets and the store of completions."""
