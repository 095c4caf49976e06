"""The README of an export: a Hugging Face model card with the figures, the data's origin, and code that runs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import yaml

from classwright_tools.domain.cards import ModelCard, Validation
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.figures import Estimate, Scores
from classwright_tools.domain.task import Task
from classwright_tools.learning.encoders import usual_prompt
from classwright_tools.learning.model import Classifier, MatchClassifier
from classwright_tools.learning.pair_encoder import DIFFERENCE_SCALE, PRODUCT_SCALE
from classwright_tools.learning.reading_limits import limit_of
from classwright_tools.measurement.caveats import caveats

SETFIT_CODE = """\
from setfit import SetFitModel

model = SetFitModel.from_pretrained(".")
print(model.predict(["{text}"]), model.predict_proba(["{text}"]))
"""
SENTENCE_TRANSFORMERS_CODE = """\
import json

import numpy as np
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer

labels = json.load(open("labels.json", encoding="utf-8"))["labels"]
head = load_file("head.safetensors")
embeddings = SentenceTransformer(".").encode(["{text}"], normalize_embeddings=True)
logits = embeddings @ head["weights"].T + head["biases"]
probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
probabilities /= probabilities.sum(axis=1, keepdims=True)
print([labels[place] for place in probabilities.argmax(axis=1)], probabilities)
"""
PAIRS_CODE = """\
import json

import numpy as np
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer

labels = json.load(open("labels.json", encoding="utf-8"))["labels"]
head = load_file("head.safetensors")
pairs = [("{text}", "{text_pair}")]
encoder = SentenceTransformer(".")
query, item = (encoder.encode(list(texts), normalize_embeddings=True) for texts in zip(*pairs))
features = [query, item, {difference} * np.abs(query - item), {product} * query * item]
logits = np.concatenate(features, axis=1) @ head["weights"].T + head["biases"]
probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
probabilities /= probabilities.sum(axis=1, keepdims=True)
print([labels[place] for place in probabilities.argmax(axis=1)], probabilities)
"""
MATCHER_CODE = """\
import json
from pathlib import Path

from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.encoders import read_encoder
from classwright_tools.learning.matching.matcher import Matcher

facts = json.load(open("labels.json", encoding="utf-8"))
matcher = Matcher.load(Path("."), read_encoder(Path("encoder"), "encoder"))
probabilities = softmax(matcher.logits(["{text}"], ["{text_pair}"]) / facts["temperature"])
print([facts["labels"][place] for place in probabilities.argmax(axis=1)], probabilities)
"""
ONNX_CODE = """\
import json

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

labels = json.load(open("labels.json", encoding="utf-8"))["labels"]
tokenizer = Tokenizer.from_file("tokenizer.json")
tokenizer.enable_truncation({length})
tokenizer.enable_padding(pad_id={pad_id}, pad_token={pad_token!r})
tokens = tokenizer.encode_batch({texts})
feeds = {{
{feeds}
}}
session = onnxruntime.InferenceSession("model.onnx")
probabilities = session.run(None, {{name: np.array(ids, np.int64) for name, ids in feeds.items()}})[0]
print([labels[place] for place in probabilities.argmax(axis=1)], probabilities)
"""
# What Markdown makes more of than text: brackets, emphasis, struck-out words, formulas, the middle of an address.
_ACTIVE = re.compile(r"[\\\[\]*~$]|(?<!\w)_|_(?!\w)|(?<=:)//|(?<=www)\.|(?<=\w)@(?=\w)|&(?=#|\w+;)")
# At the beginning of a line: headings, quotes, lists, tables, rules.
_BLOCK = re.compile(r"^(\d{0,9})([#>+|=-]|(?<=\d)[.)])")
TOKEN_FIELDS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}


def export_card(
    model: Classifier, task: Task, model_id: str, onnx_inputs: Sequence[str], tested: EvaluationReport | None
) -> str:
    """Return the card of the export of `model`; `onnx_inputs` names the ONNX graph's inputs, if there is one.

    `tested` are its newest figures on test rows, if there are any.
    A licence is not named: it is the user's to choose.
    """
    parts = [
        _front_matter(model.card, task),
        f"# {model_id}\n\n{_plain(task.instruction)}\n",
        _labels(model.card, task),
    ]
    parts += [_figures(model.card, tested), _training_data(model), _use(model, onnx_inputs)]
    return "\n".join(parts)


def _front_matter(card: ModelCard, task: Task) -> str:
    libraries = ["sentence-transformers", "setfit"] if card.kind == "text" else ["sentence-transformers"]
    facts: dict[str, object] = {
        "library_name": libraries[-1],
        "pipeline_tag": "text-classification",
        "language": list(task.languages),
        "tags": ["text-classification", *libraries, "classwright"],
        "metrics": ["accuracy", "f1"],
    }
    if not Path(card.encoder.name).is_absolute():
        facts["base_model"] = card.encoder.name
    return f"---\n{yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)}---\n"


def _labels(card: ModelCard, task: Task) -> str:
    """Return the table of the model's labels; the task may have got others since it was trained."""
    described = {label.name: label.description for label in task.labels}
    rows = [f"| {_cell(name)} | {_cell(described.get(name, ''))} |" for name in card.labels]
    return "\n".join(["## Labels", "", "| label | what belongs to it |", "|---|---|", *rows, ""])


def _figures(card: ModelCard, tested: EvaluationReport | None) -> str:
    labels = len(card.labels)
    own = [card.validation, *([card.grouped] if card.grouped and card.grouped != card.validation else [])]
    lines = ["## Figures", "", "| rows | accuracy | macro-F1 |", "|---|---|---|"]
    lines += [_figure(_rows(figures), figures, labels) for figures in own]
    said = [f"Of the {_rows(figures)}: {caveat}" for figures in own for caveat in caveats(figures)]
    if tested:
        lines.append(_figure(f"{tested.figures.rows} {tested.data} test rows", tested.figures, labels))
        said += [f"Of the test rows: {warning}" for warning in tested.warnings]
    for sentence in (*said, *card.remarks):
        lines += ["", _plain(sentence)]
    if card.written_at_once:
        named = ", ".join(map(_cell, card.written_at_once))
        lines += [
            "",
            f"Most training rows of {named} were written at once. Written rows that were held out resemble those that "
            "were trained on, so figures on written rows may be too good.",
        ]
    ranked = card.validation.average_precision
    if ranked:
        lines += ["", f"Average precision of the mismatches on the first of these rows: {_estimate(ranked)}."]
    lines += [
        "",
        "With 95% intervals, on rows that the model was not trained on. "
        + (
            "It was chosen by all but the test rows, which tell more of it than the others."
            if tested
            else "It was chosen by them, so they flatter it a little: a test set of your own tells more."
        ),
        f"Probabilities are calibrated (temperature {card.temperature:.3f}). Answers below {card.threshold:.2f} are "
        "better left to a person.",
        "",
    ]
    return "\n".join(lines)


def _rows(figures: Validation) -> str:
    """Return the rows of some figures in words, which cards of before have none of."""
    return figures.measured_on or f"{figures.rows} {figures.data} rows"


def _figure(rows: str, figures: Scores, labels: int) -> str:
    """Return a line of the table; `labels` is the number of the model's labels."""
    covered = f", over {labels - len(figures.not_covered)} of {labels} labels" if figures.not_covered else ""
    return f"| {rows} | {_estimate(figures.accuracy)} | {_estimate(figures.macro_f1)}{covered} |"


def _estimate(figure: Estimate) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def _training_data(model: Classifier) -> str:
    card, limit = model.card, limit_of(model.encoder)
    read = f" It reads the first {limit.tokens} tokens of a text, and nothing of what comes after." if limit else ""
    origins = ", ".join(f"{rows} {origin}" for origin, rows in sorted(card.training_rows.items()))
    versions = ", ".join(f"{name} {version}" for name, version in card.versions.items())
    return (
        "## Training\n\n"
        f"Rows by origin: {origins} (dataset `{card.dataset}`). 'written' rows were written by a language model. "
        f"Method: `{card.method}` on `{Path(card.encoder.name).name}`, seed {card.seed}, {card.seconds:.0f} seconds, "
        f"with {versions}, by Classwright.{read}\n"
    )


def _use(model: Classifier, onnx_inputs: Sequence[str]) -> str:
    """Return the code to use the export with, to be run in its folder."""
    text = "a text to classify"
    if isinstance(model, MatchClassifier):
        code = MATCHER_CODE.format(text="a query", text_pair="an item")
        parts = ["## Use", "In this folder, where the package `classwright` is installed:", _code(code)]
        return "\n\n".join(parts) + "\n"
    parts = ["## Use", "In this folder. `head.safetensors` and `labels.json` hold the whole classifier."]
    if model.card.kind == "pair":
        code = PAIRS_CODE.format(
            text="a query", text_pair="an item", difference=DIFFERENCE_SCALE, product=PRODUCT_SCALE
        )
        return (
            "\n\n".join([*parts, "With sentence-transformers, for pairs of a query and an item:", _code(code)]) + "\n"
        )
    parts += ["With sentence-transformers:", _code(SENTENCE_TRANSFORMERS_CODE.format(text=text))]
    parts += [
        "With setfit, which loads its head from a pickle, `model_head.pkl`: do so only if you trust where the folder "
        "came from.",
        _code(SETFIT_CODE.format(text=text)),
    ]
    if onnx_inputs:
        tokenizer = model.encoder.model.tokenizer
        feeds = "\n".join(f'    "{name}": [one.{TOKEN_FIELDS[name]} for one in tokens],' for name in onnx_inputs)
        prompt = usual_prompt(model.encoder.model)
        code = ONNX_CODE.format(
            texts=f'[{prompt!r} + text for text in ["{text}"]]' if prompt else f'["{text}"]',
            feeds=feeds,
            length=model.encoder.model.max_seq_length,
            pad_id=tokenizer.pad_token_id,
            pad_token=tokenizer.pad_token,
        )
        parts += ["With ONNX Runtime, without torch:", _code(code)]
    return "\n\n".join(parts) + "\n"


def _code(text: str) -> str:
    return f"```python\n{text}```"


def _plain(text: str) -> str:
    """Return text from a task so that it stays a paragraph: no line of it can start a heading, a table or a block."""
    return _BLOCK.sub(r"\1\\\2", _inert(text.replace("`", "'")))


def _cell(text: str) -> str:
    """Return text from a task as the cell of a table, in which it reads as it is, whatever sign it begins with."""
    return _inert(text).replace("`", "\\`").replace("|", "\\|")


def _inert(text: str) -> str:
    """Return `text` on one line, with escapes for what Markdown would make a link, an image, emphasis or HTML of."""
    return _ACTIVE.sub(r"\\\g<0>", " ".join(text.split())).replace("<", "&lt;")
