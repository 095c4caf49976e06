"""Checks of an encoder's files: no pickle, no code, no place outside its folder."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from classwright_tools.errors import InvalidInput

WEIGHTS = "*.safetensors"
OTHER_FORMATS = ("onnx", "openvino")
MODULES = "modules.json"
# sentence-transformers imports what `modules.json` names from all of its own package. These embed texts.
_MODULE = re.compile(
    r"sentence_transformers\.(models|base\.modules|sentence_transformer\.modules)(\.[a-z_]+)?\."
    r"(Transformer|Pooling|Normalize|Dense|Dropout|LayerNorm|StaticEmbedding|WeightedLayerPooling)"
)
# Settings of these names go into functions of transformers that take paths of files and names of other models.
_ARGUMENTS = re.compile(r".*_(kwargs|args)")
_HARMLESS = {
    "attn_implementation", "do_lower_case", "dtype", "max_length", "model_max_length", "padding", "padding_side",
    "torch_dtype", "truncation", "truncation_side",
}  # fmt: skip


def check_encoder_files(folder: Path, name: str) -> None:
    """Return if the files in `folder`, of the encoder `name`, can be given to sentence-transformers.

    Raises:
        InvalidInput: weights are pickled, a module is not one that embeds texts, or a setting names another place.
    """
    _refuse_pickled_weights(folder, name)
    if (folder / MODULES).is_file():
        modules = _read(folder / MODULES, name)
        for module in modules if isinstance(modules, list) else [None]:
            kind = str(module.get("type")) if isinstance(module, Mapping) else "none"
            if not _MODULE.fullmatch(kind):
                raise _unusable(
                    name, f"is made of a module {kind[:80]!r}, which needs code of its own or embeds no texts"
                )
    for path in folder.rglob("sentence_*_config.json"):
        _refuse_places(_read(path, name), name)
    if any(folder.rglob("adapter_config.json")):
        raise _unusable(name, "is a change of another model, which its files name")


def pickled(name: str) -> InvalidInput:
    """Return the refusal of the encoder `name` for its weights."""
    return _unusable(name, "has no safetensors weights, and pickled ones are not loaded")


def _refuse_pickled_weights(folder: Path, name: str) -> None:
    """Raise `InvalidInput` if a part of the model in `folder` has its weights in a pickle and not in safetensors."""
    has_weights = any(folder.rglob(WEIGHTS))
    for bin_file in folder.rglob("*.bin"):
        if not any(bin_file.parent.glob(WEIGHTS)) and bin_file.parent.name not in OTHER_FORMATS:
            has_weights = False
    if not has_weights:
        raise pickled(name)


def _refuse_places(settings: Any, name: str) -> None:
    """Refuse settings that could name another model or a file; those of a tokenizer have no effect on where it is."""
    if not isinstance(settings, Mapping):
        raise _unusable(name, "has settings that are none")
    if settings.get("tokenizer_name_or_path") is not None:
        raise _unusable(name, "takes its tokenizer from another place")
    for key, arguments in settings.items():
        if _ARGUMENTS.fullmatch(str(key)) and arguments:
            unknown = sorted(set(arguments) - _HARMLESS) if isinstance(arguments, Mapping) else [str(arguments)]
            if unknown:
                raise _unusable(name, f"sets {unknown[0][:60]!r}, which could lead out of its folder")


def _read(path: Path, name: str) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise _unusable(name, f"has a file {path.name!r} that cannot be read") from error


def _unusable(name: str, reason: str) -> InvalidInput:
    return InvalidInput(
        f"encoder {name!r}",
        reason,
        "Name a sentence-transformers model with safetensors weights, or convert it with "
        "`SentenceTransformer.save_pretrained`.",
    )
