"""Classwright's tools: a plain Python library, with no MCP in it.

Each tool is one function ``tool(request: XRequest, context: ToolContext) -> XResult`` in the module of its
name. Nothing is imported here: heavy libraries load inside the functions that need them.
"""
