"""A new task file, from a sentence, from texts or from questions: `classwright-agent init`.

No language model is asked.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from classwright_agents.draft_labels import drafted_labels, label_name
from classwright_agents.errors import TaskFileError
from classwright_agents.plain import say
from classwright_agents.task_file import HttpUrl, TaskFile
from classwright_agents.task_loading import task_from
from classwright_tools.contract import Language

T = TypeVar("T")
Ask = Callable[[str], str]
"""Asks a question and returns the answer; "" stands for none."""


class Texts(NamedTuple):
    """A file of texts whose kinds nobody knows, and the column that they are in."""

    file: Path
    column: str


_BEFORE = r"(?:.+\s(?:that|to)\s+)?"  # as in "Build a classifier that tells ..."
_SENTENCES = (
    re.compile(rf"{_BEFORE}(?:tell|keep)s?\s+(?P<labels>.+?)\s+apart(?:\s+in\s+(?P<texts>.+))?", re.I),
    re.compile(rf"{_BEFORE}(?:distinguish(?:es)?|separates?)\s+(?P<labels>.+?)(?:\s+in\s+(?P<texts>.+))?", re.I),
    re.compile(
        rf"{_BEFORE}(?:sorts?|classif(?:y|ies)|splits?|divides?)\s+(?P<texts>.+?)\s+(?:into|as)\s+(?P<labels>.+)", re.I
    ),
)
_BETWEEN = re.compile(r"\s*,\s*(?:and\s+|or\s+)?|\s+(?:and|or|from)\s+", re.I)
EXAMPLE = "Tell complaints, questions and praise apart in hotel reviews."


def write_new_task(path: Path, sentence: str | None, texts: Texts | None, ask: Ask) -> TaskFile:
    """Write a task file at `path` from `sentence`, from `texts`, or else from the answers to questions; return it.

    Raises:
        TaskFileError: there is a file already, it cannot be written, or what was said makes no task.
        AgentError: no server can be started to look through the texts, or it cannot read them.
    """
    if path.exists():
        raise TaskFileError(f"task file {path.name!r}", "exists already", "Remove it, or name another with --output.")
    if not os.access(path.parent, os.W_OK):  # before minutes of questions, or of texts that are grouped
        repair = "Make the folder, or name another with --output."
        raise TaskFileError(f"task file {path.name!r}", "is in a folder that cannot be written", repair)
    if sentence and texts:
        reason, repair = "names labels, and --texts drafts them", "Leave one of the two out."
        raise TaskFileError(f"the sentence {sentence[:80]!r}", reason, repair)
    fields = _from_sentence(sentence) if sentence else _from_texts(texts) if texts else _from_answers(ask, path.parent)
    task = task_from(fields, f"task file {path.name!r}")
    try:
        path.write_text(_as_yaml(fields), encoding="utf-8")
    except OSError as error:
        reason = f"cannot be written: {error.strerror}"
        raise TaskFileError(f"task file {path.name!r}", reason, "Name another with --output.") from error
    return task


def ask_on_terminal(question: str) -> str:
    """Return the line that stands on stdin next, having asked for it on stderr.

    Raises:
        TaskFileError: stdin has ended.
    """
    print(question, end=" ", file=sys.stderr, flush=True)  # noqa: T201  # stdout is for what was made
    line = sys.stdin.readline()
    if not line:
        raise TaskFileError(
            "the questions", "were not answered to their end", f"Say it in a sentence instead: init {EXAMPLE!r}."
        )
    return line.strip()


def _from_sentence(sentence: str) -> dict[str, Any]:
    """Return the fields that a sentence such as `EXAMPLE` tells; what comes after it is told to the writer as well.

    Raises:
        TaskFileError: it has not this form.
    """
    given = sentence.strip().rstrip(".!")
    ends = [*(mark.start() for mark in re.finditer(r"[.!?]\s", given)), len(given)]
    found = next(filter(None, (form.fullmatch(given[:end]) for end in ends for form in _SENTENCES)), None)
    if found is None:
        raise TaskFileError(
            f"the sentence {sentence[:80]!r}",
            "does not name the labels in a form that is understood",
            f"Write it as {EXAMPLE!r} or 'Sort e-mails into orders, refunds and spam.', or leave it out to be asked.",
        )
    names = [name for name in _BETWEEN.split(found["labels"]) if name]
    return {
        "task": _short_name(found["texts"] or "_".join(names)),
        "instruction": f"{given[:1].upper()}{given[1:]}.",
        "labels": [{"name": label_name(name), "description": ""} for name in names],
    }


def _from_texts(texts: Texts) -> dict[str, Any]:
    """Return the fields of a task whose labels are drafted from texts."""
    task, instruction = _short_name(texts.file.stem), f"Sort the texts of {texts.file.stem} by what they say."
    labels = asyncio.run(drafted_labels(texts.file, texts.column, task, instruction))
    return {"task": task, "instruction": instruction, "labels": labels}


def _from_answers(ask: Ask, folder: Path) -> dict[str, Any]:
    """Return the fields that the answers to questions tell; a file that one names is looked for from `folder`."""
    texts = _needed(ask, "What texts are classified, such as `hotel reviews`?")
    short = _short_name(texts)
    fields: dict[str, Any] = {"task": _short_name(ask(f"A short name for the task [{short}]:") or short)}
    labels: list[dict[str, str]] = []
    question = "Label {}, as `name: what its texts say` (an empty line ends):"
    while label := _fitting(ask, question.format(len(labels) + 1), partial(_label, labels)):
        labels.append(label)
    fields["instruction"] = f"Classify {texts} by what they say: {', '.join(label['name'] for label in labels)}."
    fields["labels"] = labels
    if ask("May a text have several of these labels, or none? [no]:").lower() in ("y", "yes", "true"):
        fields["multi_label"] = True
    if languages := _fitting(ask, "The languages of the texts, as codes [en]:", _languages):
        fields["languages"] = languages
    question = "A file of real rows with labels, JSONL, CSV or TSV (empty: none):"
    if rows := _fitting(ask, question, partial(_file, folder)):
        fields["validation"] = rows
    question = "The OpenAI-compatible URL of who writes the texts (empty: none yet):"
    if url := _fitting(ask, question, _url):
        fields["server"] = {"command": _command(url, _needed(ask, "Its model:"), ask("The variable of its key:"))}
    return fields


def _needed(ask: Ask, question: str) -> str:
    """Return the answer to a question that is asked until there is one."""
    while not (answer := ask(question)):
        pass
    return answer


def _fitting(ask: Ask, question: str, read: Callable[[str], T]) -> T:
    """Return what is read of the answer to a question, which is asked again, with the reason, after a ValueError."""
    while True:
        answer = ask(question)
        try:
            return read(answer)
        except ValueError as error:
            say(str(error))


def _label(before: list[dict[str, str]], answer: str) -> dict[str, str] | None:
    """Return the label that an answer gives; None if there is no further one."""
    name, _, description = answer.partition(":")
    label = {"name": label_name(name), "description": description.strip()}
    if not answer and len(before) >= 2:
        return None
    if not label["name"]:
        raise ValueError("Two labels at least are needed, each with a name.")
    if label["name"] in [one["name"] for one in before]:
        raise ValueError(f"There is a label {label['name']!r} already.")
    return label


def _languages(answer: str) -> list[str]:
    codes = [code for code in re.split(r"[\s,]+", answer) if code]
    try:
        return TypeAdapter(list[Language]).validate_python(codes)
    except ValidationError:
        raise ValueError("A language's code is such as en, de or pt-BR.") from None


def _file(folder: Path, answer: str) -> str:
    if answer and not (folder / answer).is_file():
        raise ValueError(f"There is no file {answer!r} from the task file's folder on.")
    return answer


def _url(answer: str) -> str:
    try:
        return answer and TypeAdapter(HttpUrl).validate_python(answer)
    except ValidationError:
        raise ValueError("A URL is such as http://127.0.0.1:8000/v1.") from None


def _command(url: str, model: str, key: str) -> list[str]:
    words = ["classwright", "serve", "--workspace", "{workspace}", "--writer-url", url, "--writer-model", model]
    return [*words, "--writer-key-env", key] if key else words


def _short_name(given: str) -> str:
    """Return a name of the form that `TaskFile.task` has, from what was said."""
    name = re.sub(r"[^a-z0-9]+", "_", given.lower()).strip("_")
    return (name if name[:1].isalpha() else f"task_{name}")[:40].strip("_")


def _as_yaml(fields: dict[str, Any]) -> str:
    """Return the text of the file: what was said, then every other field as a comment that says what it is."""
    lines = ["# Read by classwright-agent build. Say in a sentence what belongs to each label: the texts get better."]
    lines += [yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=110).rstrip(), ""]
    if "server" not in fields:
        writer = " ".join(_command("http://127.0.0.1:11434/v1", "NAME", key=""))
        lines += ["# Who writes the texts, such as an endpoint:", "# server:", f"#   command: {writer}", ""]
    lines.append("# What may be set besides, with its default.")
    for name, field in TaskFile.model_fields.items():
        if name not in fields and name != "server":
            default = field.get_default()
            plain = default.model_dump(exclude_none=True) if hasattr(default, "model_dump") else default
            value = yaml.safe_dump(plain, default_flow_style=True, width=1_000).replace("...", "").strip()
            lines.append(f"# {name}: {value}  # {field.description}")
    return "\n".join(lines) + "\n"
