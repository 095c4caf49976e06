"""The reference agent: an MCP client that builds a text classifier by calling a Classwright server's tools."""
