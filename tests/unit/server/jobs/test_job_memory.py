"""The memory of a compute process, in a real process of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

GROWS = """
from classwright_server.jobs.memory import memory_after_job, resident_bytes

before = resident_bytes()
blocks = [bytearray(64 * 1024) for _ in range(8 * 1024)]  # 512 MB in pieces that the C library keeps for itself
pinned = blocks[::64]
grown = resident_bytes()
circle = [blocks]
circle.append(circle)
del blocks, circle
print(before, grown, memory_after_job(before))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process holds")
def test_a_process_gives_back_what_a_job_has_left_free() -> None:
    output = subprocess.run([sys.executable, "-c", GROWS], capture_output=True, text=True, check=True).stdout
    before, grown, after = (int(number) for number in output.split())
    assert grown - before > 450 * 2**20
    assert after - before < 100 * 2**20
