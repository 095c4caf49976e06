"""The MCP surface: tools, resources, prompts, tasks, and the stream over stdio."""
