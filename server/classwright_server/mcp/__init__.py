"""What an MCP client sees: tools, resources, prompts, tasks, and the stream over stdio."""
