"""A small shop-support task with real rows, written rows and a trained probe, for the tests of measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example, Provenance, Split, make_example
from classwright_tools.domain.topic_tree import Cell, LabelTopics, Topic, TopicTree
from classwright_tools.measurement.held_out import Answers
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace

WRITTEN = {
    "refund": (
        ("money", "Please send my money back for the broken lamp that I bought from you last week."),
        ("money", "I would like to be reimbursed for the shoes, since they were the wrong size for my feet."),
        ("money", "Kindly return the full price of the kettle, because it stopped working after two days."),
        ("cancel", "I cancelled my order yesterday and I want to get the payment returned to my account."),
        ("cancel", "The order was called off by your team, so please give me back what I paid for it."),
        ("cancel", "Since I withdrew from the purchase, I expect a repayment of the whole amount soon."),
    ),
    "delivery": (
        ("late", "My parcel was due on Monday and it still has not arrived at my house, where is it?"),
        ("late", "The package is late by a week now, and the tracking page shows nothing new at all."),
        ("late", "I have been waiting for my shipment since the beginning of the month without any news."),
        ("courier", "The courier left a note but the parcel is not at the pick-up point that it names."),
        ("courier", "Can you tell me on which day the driver will bring the box that I ordered?"),
        ("courier", "The delivery man rang at the wrong door and took my package away with him again."),
    ),
    "account": (
        ("login", "I cannot log in to my account any more, since it says that the password is wrong."),
        ("login", "The sign-in page keeps rejecting my user name, although I typed it correctly twice."),
        ("login", "My account is locked after three attempts, so please help me to get into it again."),
        ("details", "I moved and need to change the address in my profile, but the form does not save it."),
        ("details", "Please update the e-mail address of my user account, since I do not use the old one."),
        ("details", "How do I change the phone number that is stored in my customer profile with you?"),
    ),
}
REAL = {
    "refund": (
        "refund pls, lamp broken",
        "want my money back",
        "when do i get reimbursed?",
        "give me back what i paid",
    ),
    "delivery": (
        "where is my parcel",
        "package still not here!!",
        "tracking says nothing",
        "when does the courier come",
    ),
    "account": ("cant log in", "password wrong again", "need to change my address", "account locked, help"),
}
_runs = count()


def context_on(workspace: Workspace, **settings: object) -> ToolContext:
    """Return a context for one more call."""
    return ToolContext(workspace=workspace, run_key=f"run-{next(_runs)}", **settings)  # type: ignore[arg-type]


def written_rows(round_: int = 0) -> list[Example]:
    """Return the written rows, each with its cell."""
    return [
        make_example(
            text,
            label,
            origin="written",
            provenance=Provenance(
                cell=Cell(label=label, topic=topic, subtopic=f"{topic} in general", source_type="email"),
                round=round_,
                writer="recorded",
            ),
        )
        for label, rows in WRITTEN.items()
        for topic, text in rows
    ]


def real_rows(texts: Mapping[str, Sequence[str]] = REAL) -> list[Example]:
    """Return real rows by label."""
    return [make_example(text, label) for label, some in texts.items() for text in some]


def support_tree() -> TopicTree:
    """Return the tree that the written rows fill."""
    return TopicTree(
        task="support",
        source_types=("email",),
        labels=tuple(
            LabelTopics(
                label=label,
                topics=tuple(
                    Topic(name=topic, subtopics=(f"{topic} in general",))
                    for topic in dict.fromkeys(topic for topic, _ in rows)
                ),
            )
            for label, rows in WRITTEN.items()
        ),
    )


def dataset_of(workspace: Workspace, task: str = "support", **splits: Sequence[Example]) -> str:
    """Save the rows of `splits` and return the dataset's id."""
    changed: dict[Split, Sequence[Example]] = dict(splits)  # type: ignore[arg-type]  # names of splits
    run_key = f"run-{next(_runs)}"
    return save_dataset(workspace, task, changed, parent=None, run_key=run_key, made_by="import_examples").id


def trained_on(workspace: Workspace, dataset: str, task: str = "support", **settings: object) -> str:
    """Train a probe in a context with the `settings` and return the model's id."""
    request = TrainClassifierRequest(task=task, dataset=dataset, method="probe")
    return train_classifier(request, context_on(workspace, **settings)).model


def answers_of(
    true: Sequence[int], proba: np.ndarray, labels: Sequence[str], texts: Sequence[str] = (), origin: str = "real"
) -> Answers:
    """Return made-up answers; without `texts` each row's text is its number."""
    texts = texts or [f"text number {place}" for place in range(len(true))]
    rows = [
        make_example(text, labels[label], origin=origin)  # type: ignore[arg-type]  # an origin
        for text, label in zip(texts, true, strict=True)
    ]
    return Answers("support-d1", tuple(rows), tuple(labels), np.asarray(true), np.asarray(proba, float))
