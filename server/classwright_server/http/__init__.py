"""What the server over HTTP adds: hosts, tokens, rates, sessions and the page of metrics."""
