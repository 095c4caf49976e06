"""Giving the system back the memory that is free: the C library keeps it, in pieces that larger arrays do not fit."""

from __future__ import annotations

import ctypes


def trim_heap() -> None:
    """Give free memory back where the C library can (glibc's `malloc_trim`); elsewhere do nothing."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)
