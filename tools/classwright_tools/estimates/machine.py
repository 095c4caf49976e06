"""The machine, as far as its speed goes. Its name is no part of that: a container has another at each start."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Sequence
from pathlib import Path

_PROCESSORS = Path("/proc/cpuinfo")
_MODEL = ("model name", "cpu family", "model", "CPU implementer", "CPU part")
"""What tells a processor's model there: the first three on x86, the last two on ARM."""
_GPUS = Path("/proc/driver/nvidia/gpus")


def machine() -> str:
    """Return what stands for this machine: its processor, the cores that may be used, its memory, and its GPUs."""
    return ", ".join([_processor(), f"{_cores()} cores", f"{_memory()} GiB", *_gpus()])


def _processor() -> str:
    """Return the model of the processor."""
    if not _PROCESSORS.exists():
        return f"{platform.system()} {platform.machine()}"
    first = _PROCESSORS.read_text(encoding="utf-8").partition("\n\n")[0]
    told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}
    return " ".join(told[name] for name in _MODEL if name in told) or platform.machine()


def _cores() -> int:
    """Return the threads that are asked for, or the cores that affinity and the limits of a container leave."""
    threads: Sequence[str] = os.environ.get("OMP_NUM_THREADS", "").split(",")
    if threads[0].isdigit():
        return int(threads[0])
    import joblib

    return int(joblib.cpu_count())


def _memory() -> int:
    """Return the memory in GiB, as the nearest power of two: what firmware keeps of it differs from start to start."""
    return 1 << max(0, round(math.log2(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)))


def _gpus() -> list[str]:
    """Return the models of the GPUs that may be used."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "" or not Path("/dev/nvidiactl").exists():
        return []
    told = [line for path in _GPUS.glob("*/information") for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(line.partition(":")[2].strip() for line in told if line.startswith("Model:")) or ["gpu"]
