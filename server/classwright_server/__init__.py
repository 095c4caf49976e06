"""Classwright's server: the tools over MCP, as durable jobs, from a command line."""

from importlib.metadata import version

__version__ = version("classwright")
