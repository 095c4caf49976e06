"""The memory of a compute process: measured, and given back where a job has left it free."""

from __future__ import annotations

import gc
import os
import sys

from classwright_tools.learning.memory import trim_heap

GROWN_BYTES = 256 * 2**20
"""A job that leaves the process larger by less is not cleared up after: looking through all objects takes a while."""


def resident_bytes() -> int:
    """Return the memory that this process holds, in bytes, where the system tells it; 0 elsewhere."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123  # a kernel file, not a path of ours
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def memory_after_job(before: int) -> int:
    """Return what this process holds, in bytes, having given back what a job has left free; it held `before` bytes.

    The C library keeps freed memory for itself, which after a fine-tuning is hundreds of megabytes.
    """
    if resident_bytes() - before > GROWN_BYTES:
        gc.collect()
        trim_heap()
        torch = sys.modules.get("torch")
        if torch and torch.cuda.is_available():
            torch.cuda.empty_cache()
    return resident_bytes()
