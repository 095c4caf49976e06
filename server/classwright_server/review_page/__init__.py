"""The review page: one HTML document, which hosts of MCP Apps and a browser tab show."""
