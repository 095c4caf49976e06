"""The fork server: a process that has imported what embeds texts, and forks a compute process for each request.

Importing takes seconds and hundreds of megabytes, and a forked process shares both. The input is a socket, whose other
end `forking` has. A fork copies no thread, and no use of the GPU: so nothing here may start one or the other.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import socket
import sys
import traceback
import warnings
from importlib import import_module
from pathlib import Path

from classwright_server.jobs.child import serve
from classwright_server.jobs.messages import READY, ForkRequest

LIBRARIES = ("pyarrow.dataset", "sklearn.linear_model", "torch", "sentence_transformers")
"""What is imported, in steps: between two of them it is seen whether the server is still there."""
REQUEST_BYTES = 1 << 18
_HARMLESS_THREADS = {"jemalloc_bg_thd"}
"""Threads that look after a fork themselves: this allocator of pyarrow's goes on without its thread."""


def main() -> None:
    """Import the libraries, then serve requests until the server is gone."""
    requests = socket.socket(fileno=0)
    watched = select.poll()
    watched.register(requests, select.POLLIN)
    for library in LIBRARIES:
        if _is_over(requests):
            return
        with contextlib.suppress(Exception):  # whoever needs it imports it again, and tells the reason
            import_module(library)
    _check_threads()
    gc.collect()
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
            line, descriptors = _received(requests)
            if not line:
                return
            pid = _forked()
            if pid == 0:
                siblings = [descriptor for end, (_, told) in living.items() for descriptor in (end, told.detach())]
                _become(ForkRequest.model_validate_json(line), descriptors, [requests.detach(), *siblings])
            end, told = _told_begin(pid, descriptors)
            living[end] = pid, told
            watched.register(end, select.POLLIN)


def _received(requests: socket.socket) -> tuple[bytes, list[int]]:
    """Return a request, and the descriptors that came with it; b"" once the server is gone."""
    try:
        line, descriptors, *_ = socket.recv_fds(requests, REQUEST_BYTES, 3)
        return line, descriptors
    except ConnectionError:  # it went without having heard that all is ready
        return b"", []


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
        sys.stderr.write(f"A library starts threads when it is imported, so processes are not forked: {names}\n")
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
    """Tell the server the exit code of a process that has ended; a negative one is a signal's number."""
    os.close(end)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with told, contextlib.suppress(ConnectionError):
        told.send(str(code).encode())


def _become(request: ForkRequest, descriptors: list[int], others: list[int]) -> None:
    """Be a compute process from now on, with an environment and a process group of its own."""
    try:
        os.setpgid(0, 0)
        orders, answers, status = descriptors
        for descriptor in others:  # the first of them is 0
            os.close(descriptor)
        os.dup2(orders, 0)
        os.dup2(answers, 1)
        for descriptor in (orders, answers, status):
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(request.environment)
        Path("/proc/self/comm").write_text(f"cw-{request.lane}")  # as `ps` and `top` show it
        serve(request.lane)
    except BaseException:  # noqa: BLE001  # whatever happens: it never goes on as a second fork server
        traceback.print_exc()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
