"""The environment of the processes that a server starts: what they need of its own, and no secret but the writer's."""

from __future__ import annotations

from collections.abc import Mapping

from classwright_server.config.settings import ToolSettings
from classwright_tools.work import Lane

# What a compute process may see of the server's environment. Keys and tokens are not in it.
_PASSED = (
    "PATH", "HOME", "USER", "LANG", "TZ", "TMPDIR", "TEMP", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_DATASETS_CACHE", "HF_DATASETS_OFFLINE",
    "HF_ENDPOINT", "TRANSFORMERS_OFFLINE", "TRANSFORMERS_CACHE", "TORCH_HOME", "TOKENIZERS_PARALLELISM", "TQDM_DISABLE",
    "DO_NOT_TRACK", "HF_HUB_DISABLE_TELEMETRY", "ORT_DISABLE_TELEMETRY",
)  # fmt: skip
# OpenMP's threads sleep while they wait for each other. On two idle cores a training then takes a sixth longer than
# with threads that spin; beside another process that computes, those take seven times as long as these.
_WAITING = {"OMP_WAIT_POLICY": "PASSIVE"}
HIDES_GPUS = "CUDA_VISIBLE_DEVICES"
"""CUDA reads it when it is first used."""
FOR_EXTENSIONS = "CLASSWRIGHT_EXTENSION_"
"""How a variable's name begins that a method, a tool or a writer of one's own reads."""
_PASSED_PREFIXES = (
    "LC_", "XDG_", "OMP_", "MKL_", "CUDA_", "NVIDIA_", "PYTORCH_", "COVERAGE_", "PYTHON", FOR_EXTENSIONS
)  # fmt: skip


def passed_on(environment: Mapping[str, str], also: tuple[str, ...] = ()) -> dict[str, str]:
    """Return what a process may see of the server's environment; names that begin with one of `also` too."""
    prefixes = (*_PASSED_PREFIXES, *also)
    return {name: value for name, value in environment.items() if name in _PASSED or name.startswith(prefixes)}


def import_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a fork server needs of a compute process's `environment`: no key, and nothing that is read later."""
    return {name: value for name, value in passed_on(environment).items() if name != HIDES_GPUS}


def child_environment(tool_settings: ToolSettings, environment: Mapping[str, str], lane: Lane) -> dict[str, str]:
    """Return the environment of a compute process: no key but the writer's, and that only where it writes."""
    kept = _WAITING | passed_on(environment)
    writer = tool_settings.writer
    keys = writer.key_variables if writer and lane == "writing" else ()
    return kept | {name: environment[name] for name in keys if name in environment}
