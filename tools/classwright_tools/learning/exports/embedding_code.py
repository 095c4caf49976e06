"""The code that runs a head on embeddings: with sentence-transformers, setfit and ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence

from sentence_transformers import SentenceTransformer

from classwright_tools.learning.encoders import usual_prompt
from classwright_tools.learning.exports.export import code_block
from classwright_tools.learning.pair_encoder import DIFFERENCE_SCALE, PRODUCT_SCALE

TEXT, QUERY, ITEM = "a text to classify", "a query", "an item"
START = "In this folder. `head.safetensors` and `labels.json` hold the whole classifier."
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
TOKEN_FIELDS = {"input_ids": "ids", "attention_mask": "attention_mask", "token_type_ids": "type_ids"}


def text_code(model: SentenceTransformer, onnx_inputs: Sequence[str]) -> str:
    """Return the code for single texts; `onnx_inputs` names the inputs of the graph, if there is one."""
    parts = [
        START,
        "With sentence-transformers:",
        code_block(SENTENCE_TRANSFORMERS_CODE.format(text=TEXT)),
        "With setfit, which loads its head from a pickle, `model_head.pkl`: do so only if you trust where the folder "
        "came from.",
        code_block(SETFIT_CODE.format(text=TEXT)),
    ]
    if onnx_inputs:
        parts += ["With ONNX Runtime, without torch:", code_block(_onnx_code(model, onnx_inputs))]
    return "\n\n".join(parts)


def pair_code() -> str:
    """Return the code for pairs, which setfit and the graph do not take."""
    code = PAIRS_CODE.format(text=QUERY, text_pair=ITEM, difference=DIFFERENCE_SCALE, product=PRODUCT_SCALE)
    return "\n\n".join([START, "With sentence-transformers, for pairs of a query and an item:", code_block(code)])


def _onnx_code(model: SentenceTransformer, onnx_inputs: Sequence[str]) -> str:
    prompt = usual_prompt(model)
    return ONNX_CODE.format(
        texts=f'[{prompt!r} + text for text in ["{TEXT}"]]' if prompt else f'["{TEXT}"]',
        feeds="\n".join(f'    "{name}": [one.{TOKEN_FIELDS[name]} for one in tokens],' for name in onnx_inputs),
        length=model.max_seq_length,
        pad_id=model.tokenizer.pad_token_id,
        pad_token=model.tokenizer.pad_token,
    )
