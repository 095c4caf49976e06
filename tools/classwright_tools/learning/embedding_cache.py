"""Embeddings that were computed once: a SQLite file an encoder, shared by all processes of a workspace.

Fine-tuned encoders share one file, in which new vectors take the place of the oldest: each training makes an encoder,
and most are soon forgotten.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from classwright_tools.errors import DamagedArtifact, StorageFailed
from classwright_tools.workspace.folders import own_folder, repair_of
from classwright_tools.workspace.sqlite_files import WAIT_SECONDS, errno_of, own_file, use_write_ahead_log

MOST_TUNED = 50_000  # vectors of fine-tuned encoders that are kept: 75 MB at 384 dimensions
QUERY_TEXTS = 500  # texts asked for in one query; SQLite takes 999 parameters in its oldest builds


class EmbeddingCache:
    """Vectors by (encoder digest, text); counts the texts that were computed anew and those that were found."""

    def __init__(self, folder: Path, precision: type[np.floating] = np.float32, *, tuned: bool = False) -> None:
        """Keep the files in `folder`, which is made with the first vector; vectors are kept in `precision`.

        With `tuned` they are of fine-tuned encoders, and only the newest are kept.
        """
        self.folder = folder
        self._precision = precision
        self._tuned = tuned
        self._computed: set[int] = set()
        self._reused: set[int] = set()

    @property
    def computed(self) -> int:
        """How many vectors were put here."""
        return len(self._computed)

    @property
    def reused(self) -> int:
        """How many vectors were taken from here that others had put, each counted once."""
        return len(self._reused)

    def in_half_precision(self) -> EmbeddingCache:
        """Return a cache in the same folder for vectors of half precision; use it under a name of its own."""
        return EmbeddingCache(self.folder, np.float16)

    def get(self, encoder: str, texts: Sequence[str]) -> dict[str, np.ndarray]:
        """Return the vectors of those of the different `texts` that are here, by text."""
        found = {text: np.frombuffer(vector, self._precision) for text, vector in self._found(encoder, texts, "vector")}
        self._reused |= {hash((encoder, text)) for text in found} - self._computed
        return found

    def held(self, encoder: str, texts: Sequence[str]) -> set[str]:
        """Return those of the different `texts` whose vectors are here; that is no use of them."""
        return {text for text, _ in self._found(encoder, texts, "1")}

    def _found(self, encoder: str, texts: Sequence[str], column: str) -> Iterator[tuple[str, Any]]:
        """Yield each of the different `texts` that is here, with what a column holds of it."""
        if not texts or not self._path(encoder).exists():
            return
        by_key = {self._key(encoder, text): text for text in texts}
        all_keys = list(by_key)
        with self._open(encoder) as connection:
            for start in range(0, len(all_keys), QUERY_TEXTS):
                keys = all_keys[start : start + QUERY_TEXTS]
                marks = ",".join("?" * len(keys))
                query = f"SELECT text, {column} FROM embeddings WHERE text IN ({marks})"  # noqa: S608  # ours
                for key, value in connection.execute(query, keys):
                    yield by_key[key], value

    def put(self, encoder: str, texts: Sequence[str], vectors: Sequence[np.ndarray] | np.ndarray) -> None:
        """Keep `vectors`, one a text; a text that another process put first keeps its vector."""
        rows = [
            (self._key(encoder, text), vector.astype(self._precision).tobytes())
            for text, vector in zip(texts, vectors, strict=True)
        ]
        with self._open(encoder) as connection:
            connection.executemany("INSERT OR IGNORE INTO embeddings VALUES (?, ?)", rows)
            if self._tuned:
                oldest = "SELECT max(rowid) - ? FROM embeddings"
                connection.execute(f"DELETE FROM embeddings WHERE rowid <= ({oldest})", (MOST_TUNED,))  # noqa: S608  # ours
        self._computed |= {hash((encoder, text)) for text in texts}

    def _path(self, encoder: str) -> Path:
        return self.folder / f"embeddings-{'tuned' if self._tuned else encoder}.sqlite"

    def _key(self, encoder: str, text: str) -> bytes:
        """Return what stands for a text; where encoders share a file, for the encoder as well."""
        named = f"{encoder} {text}" if self._tuned else text
        return hashlib.sha256(named.encode("utf-8", "surrogatepass")).digest()

    @contextmanager
    def _open(self, encoder: str) -> Iterator[sqlite3.Connection]:
        """Yield a connection in a transaction, and close it.

        A connection lives as long as one call: it is then safe across threads and forks, at well under a millisecond.
        """
        try:
            own_folder(self.folder)
            connection = sqlite3.connect(own_file(self._path(encoder)), timeout=WAIT_SECONDS)
            try:
                use_write_ahead_log(connection)
                aged = "" if self._tuned else " WITHOUT ROWID"  # a row's number tells its age
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS embeddings (text BLOB PRIMARY KEY, vector BLOB NOT NULL){aged}"
                )
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.OperationalError as error:
            number = errno_of(error)  # None: another process holds the file
            repair = "Call again." if number is None else repair_of(number)
            raise StorageFailed("the embedding cache", str(error), repair) from error
        except sqlite3.DatabaseError as error:
            raise DamagedArtifact(
                "the embedding cache",
                "is not readable",
                "Delete the files 'embeddings-*.sqlite*' under the workspace's folder 'cache' and call again.",
            ) from error
