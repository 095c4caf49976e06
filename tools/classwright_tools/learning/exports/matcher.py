"""A matcher as files: its attention runs with the package `classwright` alone, for no other library has it."""

from __future__ import annotations

from pathlib import Path

from classwright_tools.learning.exports.export import LABELS, Export, code_block
from classwright_tools.learning.model import ENCODER, Model, save_encoder
from classwright_tools.workspace.workspace import write_json

MATCHER_CODE = """\
import json
from pathlib import Path

from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.encoders import read_encoder
from classwright_tools.learning.matching.matcher import Matcher

facts = json.load(open("labels.json", encoding="utf-8"))
matcher = Matcher.load(Path("."), read_encoder(Path("encoder"), "encoder"))
logits = matcher.logits(["{text}"], ["{text_pair}"])
probabilities = softmax(logits / facts["temperature"] + facts["offsets"])
print([facts["labels"][place] for place in probabilities.argmax(axis=1)], probabilities)
"""


def export_matcher(model: Model) -> Export:
    """Return the export of `model`, whose classifier is a matcher; its temperature goes into `labels.json`."""

    def write(folder: Path) -> None:
        save_encoder(model.encoder.model, folder / ENCODER)
        model.classifier.save(folder)
        card = model.card
        facts = {"labels": model.labels, "threshold": model.threshold, "temperature": card.temperature}
        write_json(folder / LABELS, facts | {"offsets": card.offsets or [0.0] * len(model.labels)})

    code = code_block(MATCHER_CODE.format(text="a query", text_pair="an item"))
    return Export(
        write=write,
        libraries=("sentence-transformers",),
        runs_with="the classwright package, which alone has its attention",
        code=f"In this folder, where the package `classwright` is installed:\n\n{code}",
        left_out="setfit and the ONNX graph take single texts, so they are left out.",
    )
