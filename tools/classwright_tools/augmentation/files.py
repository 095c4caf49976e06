"""An augmentation on disk: `rows.safetensors`, `card.json`, `map.svg`, and what its corpus taught."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from classwright_tools.augmentation.gan_fitting import Pretrained
from classwright_tools.augmentation.map import draw_map
from classwright_tools.augmentation.methods import Material
from classwright_tools.augmentation.pretrained_files import read_pretrained, write_pretrained
from classwright_tools.domain.augmentation import AugmentationCard
from classwright_tools.domain.kinds import KINDS
from classwright_tools.errors import DamagedArtifact
from classwright_tools.learning.arrays import save_arrays
from classwright_tools.learning.encoder_digest import file_sha256
from classwright_tools.learning.generated import Generated
from classwright_tools.workspace.own_files import read_own
from classwright_tools.workspace.workspace import Workspace

CARD = KINDS["augmentation"].document
ROWS, MAP, PRETRAINED = "rows.safetensors", "map.svg", "pretrained.safetensors"


@dataclass(frozen=True)
class Augmentation:
    """Generated rows, their card, and what their corpus taught, with which rows can be made again."""

    card: AugmentationCard
    rows: Generated
    pretrained: Pretrained | None


def save_augmentation(folder: Path, card: AugmentationCard, rows: Generated, material: Material) -> None:
    """Write an augmentation into `folder`, with a map of its `rows` beside those of `material`.

    The checksums in the card are set here.
    """
    draw_map(folder / MAP, material, rows, card.seed)
    arrays: dict[str, npt.NDArray[Any]] = {
        "embeddings": np.asarray(rows.embeddings, np.float16),
        "labels": np.asarray(rows.labels, np.int64),
        "weights": np.asarray(rows.weights, np.float32),
    }
    save_arrays(arrays, folder / ROWS)
    if material.pretrained:
        write_pretrained(folder / PRETRAINED, material.pretrained)
    files = {path.name: file_sha256(path) for path in sorted(folder.iterdir())}
    (folder / CARD).write_text(card.model_copy(update={"files": files}).model_dump_json(indent=1), encoding="utf-8")


def load_augmentation(workspace: Workspace, id_: str) -> Augmentation:
    """Return the augmentation `id_`.

    Raises:
        NotFound: there is none.
        DamagedArtifact: it does not read back as it was written.
    """
    folder = workspace.artifact(id_, "augmentation").path
    try:
        card = AugmentationCard.model_validate_json(read_own(folder / CARD))
        if any(file_sha256(folder / name) != digest for name, digest in card.files.items()):
            raise ValueError("its bytes are not those that were written")
        arrays = load_file(folder / ROWS)
        rows = Generated(arrays["embeddings"].astype(np.float32), arrays["labels"], arrays["weights"])
        pretrained = read_pretrained(folder / PRETRAINED) if PRETRAINED in card.files else None
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise DamagedArtifact(
            f"augmentation {id_!r}", "cannot be read back", "Make it again with `gan_augment`."
        ) from error
    return Augmentation(card, rows, pretrained)
