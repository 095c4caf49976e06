"""Estimates: what a call should take, from what earlier work took on this machine."""
