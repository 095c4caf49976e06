"""Rendering of prompts: chat messages from the templates and the rules, and the schema and size of an answer.

Descriptions, topics and texts come from strangers. They reach the templates only through the filter `data`, as JSON in
which no < is left, so that nothing in them can close the `<data>` element that the system message declares
to be no instruction.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from functools import cache
from itertools import product
from typing import Any, get_args

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

from classwright_tools.domain.excerpt import shortened
from classwright_tools.domain.label_sets import named_apart
from classwright_tools.domain.task import Label
from classwright_tools.domain.text_rules import TextRules
from classwright_tools.domain.usage import TokenCount
from classwright_tools.domain.writer import WritingKind, WritingRequest
from classwright_tools.errors import InvalidInput
from classwright_tools.writing.prompts.rules import (
    AIMS,
    FORM_ITEMS,
    NONE,
    SHOWN,
    TEXT_KINDS,
    label_rules,
    phrase_rules,
    text_rules,
)

OPENING = '{"items": ["'
"""How every answer begins that has the form asked for."""

KINDS: tuple[WritingKind, ...] = get_args(WritingKind)
Message = dict[str, str]

# A prompt stays well under the context of small models, however many labels and long descriptions a task has.
_MOST_OTHER_LABELS = 30
_MOST_EXAMPLES = 5
_MOST_AVOIDED = 60
_MOST_CHARS = {"other description": 400, "example": 300, "style": 600, "avoid": 200, "item": 2000}

_MOST_LABELS_CHARS = 12_000  # of all descriptions, where texts are to be labelled
_NO_LABEL = {"name": "none of the labels", "what_belongs_here": NONE, "examples": []}
_WITHOUT_CELL: tuple[WritingKind, ...] = ("source_types", "labels")

_TOKENS_A_PHRASE = 60  # at most
_TOKENS_AROUND = 64
# What chat templates add around two messages.
_TEMPLATE_TOKENS = 64


def chat_messages(request: WritingRequest, *, opened: bool = False) -> list[Message]:
    """Return the system and the user message that ask for `request`.

    Where the answer is `opened` for the model, the form is not shown: a weak one goes on with what is shown behind the
    same opening.

    Raises:
        InvalidInput: the request lacks the label, or names one that is not among its labels.
    """
    environment = _environment()
    form = json.dumps({"items": FORM_ITEMS[: request.count]})
    system = environment.get_template(_system(request.kind)).render(
        form=form, opened=opened, guidance=bool(request.guidance)
    )
    user = environment.get_template(f"{request.kind}.jinja").render(_variables(request))
    return [{"role": "system", "content": system.strip()}, {"role": "user", "content": user.strip()}]


def answer_schema() -> dict[str, Any]:
    """Return the JSON schema of an answer: an object with a list of strings.

    The number of items is left open: several engines refuse bounds on a list, and a model that is forced on to a
    number fills up with repetitions.
    """
    return {
        "type": "object",
        "properties": {"items": {"type": "array", "items": {"type": "string"}}},
        "required": ["items"],
        "additionalProperties": False,
    }


def most_tokens_out(request: WritingRequest, turn: int = 0) -> int:
    """Return the limit of output tokens to ask `request` with: twice as many where it is asked again (`turn` > 0)."""
    each = request.rules.most_tokens if request.kind in TEXT_KINDS else _TOKENS_A_PHRASE
    return (_TOKENS_AROUND + each * request.count) * (2 if turn else 1)


def most_tokens(request: WritingRequest) -> TokenCount:
    """Return an upper bound of the tokens of asking `request` once.

    The prompt: one token for every two ASCII characters and for every byte of the others, which no tokenizer of a
    current model reaches on prose (English takes about one for four). The answer: the limit that it is asked with.
    """
    text = "".join(message["content"] for message in chat_messages(request))
    plain = len(text.encode("ascii", "ignore"))
    others = len(text.encode()) - plain
    return TokenCount(_TEMPLATE_TOKENS + (plain + 1) // 2 + others, most_tokens_out(request))


@cache
def prompt_digest(kind: WritingKind) -> str:
    """Return the SHA-256 of every template and rule that `kind` is asked with, in hexadecimal."""
    environment = _environment()
    names = [_system(kind), f"{kind}.jinja", *(["_text_rules.jinja"] if kind in TEXT_KINDS else [])]
    digest = hashlib.sha256()
    for name in names:
        assert environment.loader is not None
        source, _, _ = environment.loader.get_source(environment, name)
        digest.update(f"{name}\x00{source}\x00".encode())
    gates = TextRules(never_written=("a_name",))
    both = (False, True)
    rules = [
        rule
        for several, pairs in product(both, both)
        for rule in _rules(kind, ("en", "de"), gates, several=several, pairs=pairs)
    ]
    digest.update("\x00".join([AIMS[kind], *SHOWN.values(), NONE, *FORM_ITEMS, *rules]).encode())
    return digest.hexdigest()


@cache
def prompts_digest() -> str:
    """Return the SHA-256 of the templates of all kinds, in hexadecimal."""
    return hashlib.sha256("".join(prompt_digest(kind) for kind in KINDS).encode()).hexdigest()


@cache
def _environment() -> SandboxedEnvironment:
    environment = SandboxedEnvironment(
        loader=PackageLoader("classwright_tools.writing", "prompts"),
        undefined=StrictUndefined,
        autoescape=False,  # the output is a prompt, not HTML; `data` does the escaping
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["data"] = _data
    return environment


def _data(value: Any) -> str:
    """Return `value` as JSON that cannot hold `</data>`: the character < is escaped. What is None is left out."""
    if isinstance(value, dict):
        value = {name: fact for name, fact in value.items() if fact is not None}
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c")


def _as_data(names: Sequence[str]) -> str:
    """Return label names as an element that holds data alone."""
    return f"<data>{_data(names)}</data>"


def _variables(request: WritingRequest) -> dict[str, Any]:
    """Return what the templates may use; what a template does not need it leaves out."""
    labels = {label.name: label for label in request.labels}
    own = _labels_of(request)
    named = [*own, *((request.contrast,) if request.contrast else ())]
    for name in named:
        if name not in labels:
            raise InvalidInput(f"label {name!r}", f"is not a label of task {request.task!r}", "Use the task's labels.")
    if request.kind not in _WITHOUT_CELL and request.cell is None:
        raise InvalidInput(f"a request for {request.kind}", "names no label", "Give it the cell.")
    shown = [_shown(labels[name]) for name in own]
    cell = request.cell
    is_mismatch = request.kind == "mismatch"
    style = [_short(text, "style") for text in request.style]
    return {
        "count": request.count,
        "instruction": request.instruction,
        "labels": shown if request.multi_label else None,
        "label": shown[0] if shown else _NO_LABEL,
        "contrast": _shown(labels[request.contrast]) if request.contrast else None,
        "others": _others(request.labels, named),
        "all_labels": _all_described(request.labels),
        "texts": [text.model_dump(exclude_none=True) for text in request.texts],
        "about": bool(cell and (cell.topic or cell.source_type)),
        "topic": cell.topic if cell else None,
        "subtopic": cell.subtopic if cell else None,
        "source_type": cell.source_type if cell else None,
        "item": _short(cell.item, "item") if cell and cell.item else None,
        "guidance": [_short(text, "style") for text in request.guidance],
        "queries": style if is_mismatch else [],
        "style": [] if is_mismatch else style,
        "contrast_style": [_short(text, "style") for text in request.contrast_style],
        "avoid": [_short(text, "avoid") for text in request.avoid[-_MOST_AVOIDED:]],
        "aim": AIMS[request.kind],
        "shown_rules": SHOWN,
        "rules": _rules(
            request.kind,
            request.languages,
            request.rules,
            several=request.multi_label,
            pairs=is_mismatch or any(text.text_pair is not None for text in request.texts),
        ),
    }


def _system(kind: WritingKind) -> str:
    """Return the name of the template of the system message."""
    return "labels_system.jinja" if kind == "labels" else "system.jinja"


def _labels_of(request: WritingRequest) -> tuple[str, ...]:
    """Return the labels that the request's cell names: one, or in a multi-label task several, or none."""
    if request.cell is None:
        return ()
    names = [label.name for label in request.labels]
    return named_apart(request.cell.label, names) if request.multi_label else (request.cell.label,)


def _rules(
    kind: WritingKind, languages: Sequence[str], gates: TextRules, *, several: bool, pairs: bool
) -> tuple[str, ...]:
    if kind == "labels":
        return label_rules(languages, several=several, pairs=pairs)
    if kind in TEXT_KINDS:
        return text_rules(languages, gates, _as_data, several=several, pairs=pairs)
    return phrase_rules(kind, languages)


def _others(labels: Sequence[Label], named: Sequence[str]) -> list[dict[str, Any]]:
    """Return the labels that are not `named`: described, or of many those that share words of their names with these.

    Of the rest the names alone are told.
    """
    others = [label for label in labels if label.name not in named]
    if len(others) > _MOST_OTHER_LABELS:
        words = _words(" ".join(named))
        others.sort(key=lambda label: -len(words & _words(label.name)))
    near, rest = others[:_MOST_OTHER_LABELS], others[_MOST_OTHER_LABELS:]
    described = [_described(label, _MOST_CHARS["other description"]) for label in near]
    return [*described, *([{"further_labels": [label.name for label in rest]}] if rest else [])]


def _words(name: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", name.casefold()))


def _all_described(labels: Sequence[Label]) -> list[dict[str, Any]]:
    """Return all `labels`: their descriptions whole, as long as a prompt holds these."""
    described = [_described(label) for label in labels]
    if sum(len(_data(one)) for one in described) <= _MOST_LABELS_CHARS:
        return described
    return [_described(label, _MOST_LABELS_CHARS // len(labels)) for label in labels]


def _described(label: Label, most: int | None = None) -> dict[str, Any]:
    """Return `label` with its description, or without one with its examples, in `most` characters at most."""
    if label.description:
        return {"name": label.name, "what_belongs_here": shortened(label.description, most or len(label.description))}
    examples = [_short(text, "example") for text in label.examples[:_MOST_EXAMPLES]]
    if most:
        examples = [shortened(text, most) for text in examples[:1]]
    return {"name": label.name, "examples": examples} if examples else {"name": label.name}


def _shown(label: Label) -> dict[str, Any]:
    """Return `label` with its examples, as the one that is written for."""
    return {**_described(label), "examples": [_short(text, "example") for text in label.examples[:_MOST_EXAMPLES]]}


def _short(text: str, what: str) -> str:
    most = _MOST_CHARS[what]
    return text if len(text) <= most else text[:most] + "\u2026"
