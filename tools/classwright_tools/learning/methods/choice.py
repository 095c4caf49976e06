"""The choice of a method in a request: its name is checked, and the methods themselves say what each is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, Field

from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.methods.method import Imbalance, Method
from classwright_tools.learning.methods.registry import AUTO, METHODS, candidates, methods_for

if TYPE_CHECKING:
    from classwright_tools.learning.encoders import Encoder


def _known(name: str) -> str:
    if name not in (AUTO, *METHODS):
        raise ValueError(f"should be one of {_listed([AUTO, *METHODS])}")
    return name


def _describe(schema: dict[str, Any]) -> None:
    schema["enum"] = [AUTO, *METHODS]
    schema["description"] = " ".join(filter(None, (schema.get("description"), *_sentences())))


def _sentences() -> list[str]:
    methods = METHODS.values()
    sentences = [_sentence("", [one for one in methods if len(one.kinds) > 1])]
    sentences += [_sentence("Texts: ", [one for one in methods if one.kinds == ("text",)])]
    sentences += [_sentence("Pairs: ", [one for one in methods if one.kinds == ("pair",)])]
    tried = _listed([one.name for one in methods if one.auto])
    return [*filter(None, sentences), f"{AUTO!r}: the best of {tried} by held-out rows, as they fit the task."]


def _sentence(start: str, methods: list[Method]) -> str:
    return f"{start}{'; '.join(f'{one.name!r}: {one.summary}' for one in methods)}." if methods else ""


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names))


def tell_unable(schema: dict[str, Any]) -> None:
    """Add to the schema of `imbalance` the methods that treat none."""
    unable = [one.name for one in METHODS.values() if one.imbalance == ("none",)]
    schema["description"] += f" Not for {_listed(unable)}."


def check_method(method: str, imbalance: Imbalance, task: Task) -> None:
    """Raise an `InvalidInput` if `method` cannot train on the rows of `task`, or not with that `imbalance`."""
    allowed = methods_for(task.kind, multi_label=task.multi_label)
    rows = {"text": "single texts", "pair": "pairs of texts"}[task.kind]
    if task.multi_label:
        rows = "rows with several labels"
    if method not in allowed:
        raise InvalidInput(
            f"method {method!r}",
            f"does not train on {rows}, which task {task.slug!r} is about",
            f"Use one of {_listed(allowed)}.",
        )
    able = [name for name in allowed if name == AUTO or imbalance in METHODS[name].imbalance]
    if task.multi_label and imbalance not in ("none", "class_weights"):
        raise InvalidInput(
            f"imbalance {imbalance!r}",
            f"is not for rows with several labels, which task {task.slug!r} is about",
            "Leave `imbalance` out, since each label has a threshold of its own, or use 'class_weights'.",
        )
    if method not in able:
        raise InvalidInput(
            f"imbalance {imbalance!r}",
            f"is not for method {method!r}",
            f"Leave `imbalance` out, or use one of {_listed(able)}.",
        )


def unfit_for(method: str, encoder: Encoder) -> str:
    """Return why `method` cannot train on the `encoder`, as the reason of an error; nothing where it can."""
    if method == AUTO or encoder.has_layers or not METHODS[method].needs_layers:
        return ""
    return f"is static, a table of words, and has no layers, which method {method!r} needs"


def check_encoder(method: str, encoder: Encoder) -> None:
    """Raise an `InvalidInput` if `method` cannot train on the `encoder`."""
    from classwright_tools.learning.encoders import shown_name

    if reason := unfit_for(method, encoder):
        raise InvalidInput(
            f"encoder {shown_name(encoder.ref.name)!r}", reason, "Use method 'probe', or name another encoder."
        )


def why_untried(task: Task, imbalance: Imbalance, encoder: Encoder) -> str:
    """Return the sentence on the methods that `auto` did not try since the `encoder` has no layers; else nothing."""
    named = [repr(one.name) for one in candidates(task.kind, imbalance) if unfit_for(one.name, encoder)]
    if task.multi_label or not named:
        return ""
    return f"Not tried: {', '.join(named)}. The encoder is static, a table of words, and has no layers to train on."


MethodName = Annotated[str, AfterValidator(_known), Field(json_schema_extra=_describe)]
"""A method in the registry, or "auto"."""
