"""The code that runs a head on embeddings: with the export's own program, sentence-transformers and setfit."""

from __future__ import annotations

from classwright.predict import USUAL_PAIR
from classwright_tools.learning.exports.export import code_block
from classwright_tools.learning.exports.runner import ENCODER_LIBRARIES, program_code
from classwright_tools.learning.pair_encoder import DIFFERENCE_SCALE, PRODUCT_SCALE

TEXT, QUERY, ITEM = "a text to classify", "a query", "an item"
START = "Without that program: `head.safetensors` and `labels.json` hold the whole classifier."
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
SEVERAL_CODE = """\
import json

import numpy as np
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer

known = json.load(open("labels.json", encoding="utf-8"))
head = load_file("head.safetensors")
embeddings = SentenceTransformer(".").encode(["{text}"], normalize_embeddings=True)
probabilities = 1 / (1 + np.exp(-(embeddings @ head["weights"].T + head["biases"])))
applies = probabilities >= known["thresholds"]
print([[known["labels"][place] for place in np.flatnonzero(row)] for row in applies], probabilities)
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


def text_code(install: str, reads: str, *, several: bool) -> str:
    """Return the code for single texts, of which each may have `several` labels, which setfit does not give.

    `install` names the packages that the export's own program runs with; `reads` says what other code does not read.
    """
    code = SEVERAL_CODE if several else SENTENCE_TRANSFORMERS_CODE
    parts = [
        program_code(install, f'"{TEXT}"', USUAL_PAIR[:1], several=several),
        f"{START} {reads}".strip(),
        "With sentence-transformers:",
        code_block(code.format(text=TEXT)),
    ]
    if several:
        return "\n\n".join(parts)
    return "\n\n".join(
        [
            *parts,
            "With setfit, which loads its head from a pickle, `model_head.pkl`: do so only if you trust where the "
            "folder came from.",
            code_block(SETFIT_CODE.format(text=TEXT)),
        ]
    )


def pair_code(reads: str, mismatch: str | None) -> str:
    """Return the code for pairs, which setfit and the graph do not take; `reads` as in `text_code`.

    `mismatch` is the label of pairs that do not belong together, if one is named.
    """
    code = PAIRS_CODE.format(text=QUERY, text_pair=ITEM, difference=DIFFERENCE_SCALE, product=PRODUCT_SCALE)
    program = program_code(ENCODER_LIBRARIES, f'("{QUERY}", "{ITEM}")', USUAL_PAIR, mismatch=mismatch)
    return "\n\n".join([program, f"{START} {reads}".strip(), "With sentence-transformers:", code_block(code)])
