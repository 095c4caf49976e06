"""A matcher as files: its attention runs with the package `classwright` alone, for no other library has it."""

from __future__ import annotations

from pathlib import Path

from classwright.predict import USUAL_PAIR
from classwright_tools.learning.exports.export import Export
from classwright_tools.learning.exports.runner import program_code, save_program
from classwright_tools.learning.model import ENCODER, Model, save_encoder

# It reads the words of both texts beside their tokens, and weighs how rare each is: no graph or library has that.
INSTALL = '"classwright[server]"'  # double quotes: the shell of Windows knows no others


def export_matcher(model: Model) -> Export:
    """Return the export of `model`, whose classifier is a matcher; its temperature goes into `labels.json`."""

    def write(folder: Path) -> None:
        save_encoder(model.encoder.model, folder / ENCODER)
        model.classifier.save(folder)
        offsets = model.card.offsets or [0.0] * len(model.labels)
        save_program(folder, model, INSTALL, temperature=model.card.temperature, offsets=offsets)

    return Export(
        write=write,
        libraries=("sentence-transformers",),
        runs_with="the classwright package, which alone has its attention",
        code=program_code(INSTALL, '("a query", "an item")', USUAL_PAIR, mismatch=model.card.mismatch),
        left_out="setfit and the ONNX graph take single texts, so they are left out.",
    )
