"""What the tests of learning share: a small dataset of three intents, in cells, with real validation rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.example import Example, Provenance, make_example
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoder_folders import embedded_folder
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace

# For each label two topics of five texts each.
WRITTEN = {
    "refund": {
        "broken goods": (
            "the lamp came in pieces, please give me my money back",
            "my blender broke after a day and i want a refund",
            "this phone case is cracked, refund it",
            "the chair has a broken leg so i would like to be paid back",
            "item faulty. money back please",
        ),
        "changed mind": (
            "i do not want the shoes any more, can you refund them",
            "ordered by mistake, please return what i paid",
            "how do i get my money back for an unopened box",
            "i changed my mind about the jacket and want it refunded",
            "reimburse me for the order that i cancelled",
        ),
    },
    "delivery": {
        "late": (
            "where is my parcel, it should have been here on monday",
            "my package is three days late",
            "still waiting for the courier to come",
            "the tracking has not moved for a week, when does it arrive",
            "has my order been shipped yet",
        ),
        "options": (
            "do you deliver to the islands",
            "how much is express shipping",
            "can the driver leave the box with my neighbour",
            "which days does the courier come to my street",
            "can i pick the parcel up at a locker",
        ),
    },
    "account": {
        "login": (
            "i cannot log in with my password",
            "the reset link for my login never arrives",
            "my account is locked after too many attempts",
            "it says that my user name is unknown",
            "two factor code does not work when i sign in",
        ),
        "data": (
            "please change the email address of my profile",
            "how do i update my phone number in the settings",
            "i married and need my surname changed in my account",
            "delete my user account and my data",
            "i want to edit my profile picture",
        ),
    },
}
REAL = {
    "refund": ("I would like my money returned, the toaster is defective", "can I have a refund for this coat?"),
    "delivery": ("When will my order get here?", "my parcel seems to be lost on the way"),
    "account": ("I forgot my password and can't get in", "need to change the address in my profile"),
}


def written_rows() -> list[Example]:
    """Return the thirty written rows, label by label."""
    return [
        make_example(
            text,
            label,
            origin="written",
            provenance=Provenance(
                cell=Cell(label=label, topic=topic, subtopic=f"{topic} {number}", source_type="message"),
                writer="recorded",
            ),
        )
        for label, topics in WRITTEN.items()
        for topic, texts in topics.items()
        for number, text in enumerate(texts)
    ]


def real_rows(copies: int = 1) -> list[Example]:
    """Return six real rows, or that many times `copies` with endings that make them different."""
    endings = ("", " thanks", " please", " hello", " asap", " now", " today", " again", " sorry", " ok")
    return [
        make_example(text + ending, label)
        for label, texts in REAL.items()
        for text in texts
        for ending in endings[:copies]
    ]


def unlabelled_rows(**rows: int) -> list[Example]:
    """Return real rows without labels: so many as would be of each label if somebody labelled them, 100 at most."""
    starts = ("", "Hi, ", "Hey! ", "Good morning. ", "Dear shop, ", "So, ", "Well, ", "Look: ", "Sorry, ", "Help! ")
    ends = ("", " Regards", " Thank you", " Bye", " Cheers")
    return [
        make_example(text, None)
        for label, count in rows.items()
        for text in [start + text + end for end in ends for start in starts for text in REAL[label]][:count]
    ]


def save_rows(
    workspace: Workspace,
    train: list[Example],
    validation: list[Example] | None = None,
    test: list[Example] | None = None,
    unlabelled: list[Example] | None = None,
    run_key: str = "data",
) -> str:
    """Save a dataset of the task `support` and return its id."""
    rows = {"train": train, "validation": validation or [], "test": test or [], "unlabelled": unlabelled or []}
    changed = {split: examples for split, examples in rows.items() if examples}
    return save_dataset(workspace, "support", changed, parent=None, run_key=run_key, made_by="import_examples").id  # type: ignore[arg-type]  # the keys are splits


@pytest.fixture(scope="session")
def _embeddings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with the default encoder's embeddings of the rows above."""
    rows = [*written_rows(), *real_rows(10), *unlabelled_rows(**dict.fromkeys(REAL, 100))]
    folder = tmp_path_factory.mktemp("embeddings") / "cache"
    open_encoder(DEFAULT_ENCODER).embed([row.text for row in rows], EmbeddingCache(folder))
    return folder


@pytest.fixture
def embedded(workspace: Workspace, _embeddings: Path) -> None:
    """Let the workspace have these embeddings, as after an earlier call: to compute them takes longer than a test."""
    shutil.copytree(_embeddings, workspace.cache)


def shallow_encoder(folder: Path) -> Path:
    """Make `folder` the default encoder with two of its six layers; return it.

    It is tuned, and made a graph of, in half the time, and still tells the rows above apart.
    """
    shutil.copytree(embedded_folder(), folder)
    config = folder / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"num_hidden_layers": 2}))
    return folder


@pytest.fixture(scope="session")
def shallow(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a shallow encoder, the same one for all tests of a process, which read it once."""
    return str(shallow_encoder(tmp_path_factory.mktemp("encoder") / "shallow"))


def brief_encoder(folder: Path) -> Path:
    """Make `folder` a shallow encoder that reads 64 tokens at a time; return it."""
    shallow_encoder(folder)
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 64, "do_lower_case": False}))
    return folder


def prompting_encoder(folder: Path) -> Path:
    """Make `folder` a shallow encoder with something that it puts before every text; return it."""
    shallow_encoder(folder)
    prompts = {"query": "query: ", "kind": "it's of which kind | text: "}
    settings = {"prompts": prompts, "default_prompt_name": "kind"}
    (folder / "config_sentence_transformers.json").write_text(json.dumps(settings))
    return folder
