"""The fork server: a process that has imported what embeds texts, and forks a compute process for each request.

Importing takes seconds and hundreds of megabytes, and a forked process shares both. The input is a socket, whose other
end `forking` has. A fork copies no thread, and no use of the GPU: so nothing here may start one or the other.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import logging
import os
import select
import signal
import socket
import sys
import warnings
from importlib import import_module
from pathlib import Path
from typing import NoReturn, cast

from classwright_server.jobs.child import serve
from classwright_server.jobs.messages import READY
from classwright_server.sanitize import log_plainly
from classwright_tools.work import Lane

logger = logging.getLogger("classwright.process")

LIBRARIES = ("pyarrow.dataset", "sklearn.linear_model", "torch", "sentence_transformers")
"""What is imported, in steps: between two of them it is seen whether the server is still there."""
REQUEST_BYTES = 32
_HARMLESS_THREADS = {"jemalloc_bg_thd"}
"""Threads that look after a fork themselves: this allocator of pyarrow's goes on without its thread."""


def main() -> None:
    """Import the libraries, then serve requests until the server is gone."""
    log_plainly()
    requests = socket.socket(fileno=0)
    watched = select.poll()
    watched.register(requests, select.POLLIN)
    gc.disable()  # a third of the time would go into a search for garbage among what stays
    for library in LIBRARIES:
        if _is_over(requests):
            return
        try:
            import_module(library)
        except Exception as error:  # noqa: BLE001  # whatever it is: after half an import, the next one tells another error
            _give_up(f"{library} cannot be imported ({error!r})")
    _check_threads()
    gc.freeze()  # a collection in a forked process would write to every object, and so copy it
    sys.stdout.flush()
    with contextlib.suppress(ConnectionError):  # its end is seen below
        requests.send(READY)
    living: dict[int, tuple[int, socket.socket]] = {}
    while True:
        for descriptor, _ in watched.poll():
            if descriptor in living:
                watched.unregister(descriptor)
                _tell_end(descriptor, *living.pop(descriptor))
                continue
            lane, descriptors = _received(requests)
            if not lane:
                return
            pid = _forked()
            if pid == 0:
                siblings = [descriptor for end, (_, told) in living.items() for descriptor in (end, told.detach())]
                _become(cast("Lane", lane), descriptors, [requests.detach(), *siblings])
            end, told = _told_begin(pid, descriptors)
            living[end] = pid, told
            watched.register(end, select.POLLIN)


def _received(requests: socket.socket) -> tuple[str, list[int]]:
    """Return the lane that a process is asked for, and the process's descriptors; "" once the server is gone."""
    try:
        lane, descriptors, *_ = socket.recv_fds(requests, REQUEST_BYTES, 3)
        return lane.decode(), descriptors
    except ConnectionError:  # it went without having heard that all is ready
        return "", []


def _is_over(requests: socket.socket) -> bool:
    """Whether the server is gone."""
    watched = select.poll()
    watched.register(requests, select.POLLRDHUP)
    return bool(watched.poll(0))


def _forked() -> int:
    """Fork; return the new process's id, and in that process 0."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python counts the harmless threads too
        return os.fork()


def _check_threads() -> None:
    """End this process where a library has started a thread that a fork would lose: its locks may be held for ever.

    OpenBLAS has threads from its import on, ends them before each fork, and starts them where it needs them. So they
    are looked at after a fork.
    """
    pid = _forked()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    tasks = Path("/proc/self/task")
    names = {(task / "comm").read_text().strip() for task in tasks.iterdir() if task.name != str(os.getpid())}
    if names - _HARMLESS_THREADS:
        _give_up(f"a library has started threads when it was imported ({', '.join(sorted(names))})")


def _give_up(reason: str) -> NoReturn:
    """End this process at once, so that each compute process is started by itself."""
    logger.warning("processes are not forked: %s", reason)
    os._exit(1)


def _told_begin(pid: int, descriptors: list[int]) -> tuple[int, socket.socket]:
    """Tell the server the id of a process; return what becomes readable with its end, and where that is told."""
    orders, answers, status = descriptors
    os.close(orders)
    os.close(answers)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # it has done so itself, and perhaps ended
        os.setpgid(pid, pid)
    end, told = os.pidfd_open(pid), socket.socket(fileno=status)
    with contextlib.suppress(ConnectionError):  # the server needs it no more, so it ends by itself
        socket.send_fds(told, [str(pid).encode()], [end])
    return end, told


def _tell_end(end: int, pid: int, told: socket.socket) -> None:
    """End what a process has left, and tell the server its exit code; a negative one is a signal's number."""
    os.close(end)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # while it is not waited for, its id is nobody else's
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with told, contextlib.suppress(ConnectionError):
        told.send(str(code).encode())


def _become(lane: Lane, descriptors: list[int], others: list[int]) -> None:
    """Be a compute process from now on, with an environment and a process group of its own.

    The environment is the first line of its input. A fork server never reads it: what is in its memory is in that of
    all later processes, and a writer's key is for one.
    """
    try:
        os.setpgid(0, 0)
        orders, answers, status = descriptors
        for descriptor in others:  # the first of them is 0
            os.close(descriptor)
        os.dup2(orders, 0)
        os.dup2(answers, 1)
        for descriptor in (orders, answers, status):
            os.close(descriptor)
        with contextlib.suppress(OSError):
            Path("/proc/self/comm").write_text(f"cw-{lane}")  # as `ps` and `top` show it
        if environment := io.FileIO(0, closefd=False).readline():  # unbuffered: an order follows, with descriptors
            os.environ.clear()
            os.environ.update(json.loads(environment))
            gc.enable()
            serve(lane)
    except BaseException:  # whatever happens: it never goes on as a second fork server
        logger.exception("a forked process cannot work")
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
