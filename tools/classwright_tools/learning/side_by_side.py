"""Fits side by side: as many at once as there are cores, each on one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

Item = TypeVar("Item")
Made = TypeVar("Made")


def side_by_side(fit: Callable[[Item], Made], items: Sequence[Item], tell: Callable[[float], None]) -> list[Made]:
    """Return what `fit` makes of each of the `items`, in their order, which is the same on any number of cores.

    There are as many threads as torch has, at most. `tell` is told the share done (0 to 1) in the caller's thread, and
    may stop the work by raising: fits that have begun still end.
    """
    from threadpoolctl import threadpool_limits

    if not items:
        return []
    threads = min(len(items), torch.get_num_threads())
    # OpenBLAS has one limit for all threads: the limit of a fit that ends would else free the others'. OpenMP has one
    # for each thread, which those of a pool do not inherit.
    with threadpool_limits(1), ThreadPoolExecutor(threads, initializer=threadpool_limits, initargs=(1,)) as pool:
        fits = [pool.submit(fit, item) for item in items]
        made = []
        try:
            for number, one in enumerate(fits):
                tell(number / len(items))
                made.append(one.result())
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
        return made
