"""Tasks of asyncio that are under way together: waited for with an eye on a wish to stop, and stopped."""

from __future__ import annotations

import asyncio
from typing import TypeVar

T = TypeVar("T")

LOOK_SECONDS = 0.25  # between two looks for a wish to stop, while nothing else happens


async def first_done(tasks: set[asyncio.Task[T]]) -> set[asyncio.Task[T]]:
    """Wait for one of `tasks`, but no longer than a wish to stop may go unseen; return those done."""
    if not tasks:
        return set()
    done, _ = await asyncio.wait(tasks, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    return done


async def stop_all(tasks: set[asyncio.Task[T]]) -> None:
    """Cancel `tasks` and wait for their end, whatever it is: that of one that is done already is heard as well."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
