"""What the tests of rows with several labels share: a task of three topics, and rows that have none, one or more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, permutations
from typing import Any

from classwright_tools.domain.example import Example, Split, make_example
from classwright_tools.domain.label_sets import in_order
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.learning import REAL, WRITTEN
from support.writing_verbs import phrases_of, sentence

LABELS = ("refund", "delivery", "account")
ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("i want my money back for the shoes", ("refund",)),
    ("where is the parcel that i ordered on monday", ("delivery",)),
    ("i cannot log in any more since the update", ("account",)),
    ("the parcel never came, so pay me back", ("refund", "delivery")),
    ("my login fails and the box is late as well", ("delivery", "account")),
    ("thank you, you have been a great help", ()),
)
NOTHING = (
    "thank you, you have been a great help",
    "what a lovely shop you have",
    "i wish all of you a merry christmas",
    "just saying hello from the seaside",
    "your new poster in the window is funny",
    "the coffee at the counter was excellent",
    "congratulations on your tenth birthday",
    "do you still hire students in the summer",
    "my daughter loves the colours of your logo",
    "see you at the fair next week",
    "have a nice weekend everybody",
    "that was a beautiful song in your advert",
)


SAYING = {
    "refund": "i want my money back",
    "delivery": "the parcel is late",
    "account": "my login does not work",
}
"""What a text says that has a label."""


def written_for(label: str, numbers: Iterator[int], texts: int) -> list[str]:
    """Return texts for a cell's `label`, all different: they say what their labels say, or nothing of it."""
    said = [SAYING[name] for name in label.split("|") if name]
    return [" and ".join([sentence(next(numbers)), *said]) for _ in range(texts)]


def script(request: WritingRequest) -> Sequence[str]:
    """Write what a request wants, as a scripted writer does: topics, or texts that say what their labels say."""
    if request.kind not in ("examples", "contrast"):
        return phrases_of(request)
    assert request.cell
    first = int(request.key("texts")[:12], 16) % 10**9 * 100
    return written_for(request.cell.label, count(first), request.count)


def topics_of(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return two topics with two subtopics each for every one of `names`, as `propose_topics` takes them."""
    return [
        {"label": name, "topics": [{"name": f"topic {t} of {name}", "subtopics": ["first", "second"]} for t in "ab"]}
        for name in names
    ]


def several_task() -> Task:
    """Return a task whose rows may have several labels."""
    return Task(
        slug="mail",
        instruction="Tell everything that a mail to a shop is about.",
        labels=tuple(Label(name=name) for name in LABELS),
        multi_label=True,
    )


def several_rows() -> list[Example]:
    """Return the six rows."""
    return [make_example(text, None, labels=labels) for text, labels in ROWS]


def several_dataset(workspace: Workspace) -> str:
    """Save training rows about one topic, two or none, and validation rows of other texts; return the dataset's id."""
    workspace.save_task(several_task())
    by_label = {label: [text for texts in topics.values() for text in texts] for label, topics in WRITTEN.items()}
    train = _rows(by_label, NOTHING[:10])
    validation = _rows({label: list(texts) for label, texts in REAL.items()}, NOTHING[10:])
    splits: dict[Split, list[Example]] = {"train": train, "validation": validation}
    return save_dataset(workspace, "mail", splits, parent=None, run_key="data", made_by="import_examples").id


def _rows(texts: Mapping[str, Sequence[str]], nothing: Sequence[str]) -> list[Example]:
    """Return rows of one text, of two texts of different labels, and those that are about nothing."""
    rows = [make_example(text, None, labels=[label]) for label, own in texts.items() for text in own]
    rows += [
        make_example(f"{one}. and {other}", None, labels=in_order([first, second], LABELS))
        for first, second in permutations(texts, 2)
        for one, other in zip(texts[first], reversed(texts[second]), strict=True)
    ]
    return rows + [make_example(text, None, labels=()) for text in nothing]
