"""Durable jobs: submitted once, run in a process of their own, kept until they are read."""
