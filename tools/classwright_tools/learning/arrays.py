"""Arrays in a file of safetensors."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file


def save_arrays(arrays: Mapping[str, np.ndarray], path: Path) -> None:
    """Write `arrays` by their names into the file `path`.

    Safetensors writes the memory as it lies, and reads it in C order: of a transposed array other values would come
    back.
    """
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)
