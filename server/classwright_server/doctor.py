"""The command `classwright doctor`: everything that a server with these settings leans on, tried before a client does.

One line a thing: what it is, its state, and what to do where something is wrong. A thing that fails keeps none of the
others from being tried.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from classwright_server.config.settings import ServerSettings, ToolSettings, check_settings
from classwright_server.sanitize import sanitized
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.excerpt import counted
from classwright_tools.errors import ClasswrightError, InvalidInput

_WELL, _WRONG = "ok", "WRONG"
_PACKAGES = ("torch", "sentence-transformers", "transformers", "onnxruntime", "dbos", "mcp")
"""Packages whose versions are most asked for when something does not work."""


def run_doctor(settings: ServerSettings) -> int:
    """Try everything, print a line for each thing, and return the exit code: 0 where all is well, else 2."""
    from classwright_server.extensions import extension_behind

    tries: dict[str, Callable[[], str]] = {
        "versions": _versions,
        "extensions": lambda: _extensions(settings.tool_settings),
        "settings": lambda: _settings(settings),
        "workspace": lambda: _workspace(settings.tool_settings),
        "encoder": lambda: _encoder(settings.tool_settings.encoder),
        "GPU": _gpu,
        "writer": lambda: _writer(settings),
        "logins": lambda: _logins(settings),
        "port": lambda: _port(settings),
    }
    wrong = 0
    for what, tried in tries.items():
        try:
            state, message = _WELL, tried()
        except ClasswrightError as error:
            state, message = _WRONG, str(error)
        except Exception as error:  # noqa: BLE001  # a library that is broken is what a doctor is asked about
            whose = extension_behind(error)
            repair = "Install it anew in a fresh environment; if it stays, file an issue with this line."
            repair = f"It comes of {whose}: correct that." if whose else repair
            state, message = _WRONG, f"{type(error).__name__}: {' '.join(sanitized(error).split())}. {repair}"
        wrong += state == _WRONG
        print(f"{state:<6} {what:<10} {message}", flush=True)  # noqa: T201  # what the command is for
    if not wrong:
        print("All is well.")  # noqa: T201
    return 2 if wrong else 0


def _versions() -> str:
    """Return the versions of what runs.

    Raises:
        InvalidInput: a package is missing, or of a version that Classwright does not work with.
    """
    from packaging.requirements import Requirement

    asked = [Requirement(line) for line in requires("classwright") or ()]
    faults = []
    for package in asked:
        if package.marker and not package.marker.evaluate({"extra": "server"}):
            continue
        try:
            found = version(package.name)
        except PackageNotFoundError:
            faults.append(f"{package.name} is not installed")
            continue
        if not package.specifier.contains(found, prereleases=True):
            faults.append(f"{package.name} is {found} and must be {package.specifier}")
    if faults:
        raise InvalidInput("the environment", "; ".join(faults), 'Run `pip install --upgrade "classwright[server]"`.')
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"classwright {version('classwright')} on Python {platform.python_version()}, {sys.platform}; {versions}."


def _extensions(own: ToolSettings) -> str:
    """Return which methods, writers and tools are not Classwright's own.

    Raises:
        InvalidInput: one of them cannot be used, or is brought in a group of entry points that is not read.
    """
    from classwright_server.extensions import check_extensions, found_extensions, misnamed_groups

    check_extensions(own)
    for fault in misnamed_groups():
        raise fault
    return f"{', '.join(found_extensions(own)) or 'none is installed or named'}."


def _settings(settings: ServerSettings) -> str:
    """Return that the settings go together, as a server finds before it starts.

    Raises:
        InvalidInput: a server would refuse them, or one of them is without effect.
    """
    from classwright_server.http.serving import verifier_of

    check_settings(settings, serves=True)
    if settings.http:
        verifier_of(settings, os.environ)
    return "a server starts with them."


def _workspace(own: ToolSettings) -> str:
    """Return where the workspace is, its room and what it holds.

    Raises:
        ClasswrightError: it cannot be used, or something of it is damaged or missing.
    """
    from classwright_server.workspace_check import workspace_told

    return workspace_told(own)


def _encoder(name: str) -> str:
    """Return what the encoder is, having embedded a text with it.

    Raises:
        ClasswrightError: it is nowhere to be found, or does not load.
    """
    from classwright_tools.learning.encoder_folders import encoder_folder
    from classwright_tools.learning.encoders import open_encoder
    from classwright_tools.learning.reading_limits import limit_of

    encoder = open_encoder(name)
    encoder.embed(["The parcel has not arrived."])
    limit = limit_of(encoder)
    reads = f"{limit.in_words} of a text" if limit else "texts of any length"
    languages = _languages(encoder_folder(name))
    spoken = f"made for: {', '.join(languages)}" if languages else "its files do not say for which languages it is made"
    if name == DEFAULT_ENCODER:
        spoken += ". For other languages name one of them as --encoder"
    return f"{name} loads: {encoder.dimension} dimensions, reads {reads}; {spoken}."


def _languages(folder: Path) -> list[str]:
    """Return the languages that the card in the folder of an encoder declares, as codes or names; none without."""
    import yaml

    card = folder / "README.md"
    parts = card.read_text(encoding="utf-8", errors="replace").split("---", 2) if card.is_file() else []
    if len(parts) < 3 or parts[0].strip():
        return []
    try:
        declared = yaml.safe_load(parts[1])
    except yaml.YAMLError:
        return []
    languages = declared.get("language", []) if isinstance(declared, dict) else []
    return [str(one) for one in (languages if isinstance(languages, list) else [languages])]


def _gpu() -> str:
    """Return what trains and embeds: the GPU, or why none is used.

    Raises:
        InvalidInput: there is a GPU that torch cannot use.
    """
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        return f"{torch.cuda.get_device_name()}, {free / 2**30:.0f} of {total / 2**30:.0f} GiB free."
    if torch.backends.mps.is_available():
        return "Apple's, through MPS."
    if shutil.which("nvidia-smi"):
        raise InvalidInput(
            "the GPU",
            f"is not seen by torch {torch.__version__}, though its driver's program, nvidia-smi, is there",
            "Install a torch for CUDA (https://pytorch.org/get-started), and see that `nvidia-smi` lists the card.",
        )
    return f"none; training and embedding run on {counted(os.cpu_count() or 1, 'processor core')}."


def _writer(settings: ServerSettings) -> str:
    """Return who writes, having asked an endpoint for texts in the writer's own form.

    Raises:
        ClasswrightError: it would not write.
    """
    if settings.vllm:
        from classwright_server.vllm import vllm_program

        program = vllm_program(os.environ)
        return f"{settings.vllm!r} is started with the server, by {program}; it was not started now."
    if settings.tool_settings.writer and "writing" not in settings.jobs:
        return "one is set, and --jobs leaves writing to others: it was not asked."
    if settings.tool_settings.writer:
        from classwright_server.extensions import open_writer

        return asyncio.run(open_writer(settings.tool_settings.writer, os.environ).check())
    return "none is set: the calling model writes the texts."


def _logins(settings: ServerSettings) -> str:
    """Return by how many keys of the authorization server tokens are checked.

    Raises:
        InvalidInput: it does not answer with any.
    """
    from classwright_server.http.tokens import try_keys

    if not settings.authorization:
        return "no authorization server is named."
    keys = counted(try_keys(settings.authorization), "key")
    return f"{settings.authorization.jwks_url} gives {keys} to check tokens by."


def _port(settings: ServerSettings) -> str:
    """Return whether the address can be listened on.

    Raises:
        InvalidInput: --http is given, and it cannot.
    """
    from classwright_server.http.serving import sockets_at

    if not settings.http:
        return "none is needed: a client starts the server and speaks to it over stdio. Try one with --http."
    for listener in sockets_at(settings.host, settings.port):
        listener.close()
    return f"{settings.host}:{settings.port} is free."
