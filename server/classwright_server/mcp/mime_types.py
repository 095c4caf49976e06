"""MIME types of resources, by the ending of the name."""

from __future__ import annotations

JSON = "application/json"
BYTES = "application/octet-stream"
PNG = "image/png"
_TEXTS = {
    "csv": "text/csv",
    "html": "text/html",
    "json": JSON,
    "jsonl": "application/jsonl",
    "md": "text/markdown",
    "py": "text/x-python",
    "svg": "image/svg+xml",
    "txt": "text/plain",
}
_OTHERS = {"parquet": "application/vnd.apache.parquet"}


def mime_type(name: str) -> str:
    """Return the MIME type of a file of this name."""
    return (_TEXTS | _OTHERS).get(_ending(name), BYTES)


def is_text(name: str) -> bool:
    """Whether a file of this name holds UTF-8."""
    return _ending(name) in _TEXTS


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()
