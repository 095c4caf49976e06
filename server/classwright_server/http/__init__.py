"""The server over HTTP: hosts, tokens, rate limits, sessions and the page of metrics."""
