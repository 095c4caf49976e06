"""What the tests of learning share: a small dataset of three intents, in cells, with real validation rows."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from tokenizers import Tokenizer

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.example import Example, Provenance, make_example
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoder_folders import embedded_folder
from classwright_tools.learning.encoders import Encoder, open_encoder
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace

LAYERS = 2
COMMON_TOKENS = 3_000

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


_computed_before: dict[tuple[str, int, tuple[str, ...]], npt.NDArray[np.float32]] = {}


@pytest.fixture
def embedding_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the default encoder compute the same texts once a process: a fifth of all tests' time would go into it.

    Each workspace still has a cache of its own, which is empty. What a test trains or brings is computed every time.
    """
    compute = Encoder._computed

    def computed(self: Encoder, texts: list[str]) -> npt.NDArray[np.float32]:
        if self.ref.name != DEFAULT_ENCODER:
            return compute(self, texts)
        asked = (self.ref.digest, self.ref.windows, tuple(texts))
        if asked not in _computed_before:
            _computed_before[asked] = compute(self, texts)
            _computed_before[asked].setflags(write=False)  # it is many tests' own
        return _computed_before[asked]

    monkeypatch.setattr(Encoder, "_computed", computed)


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
    """Make `folder` the default encoder with two of its six layers and the tokens of texts as above; return it.

    It is tuned, saved, read and made a graph of in a fraction of the time, and tells those texts apart as well.
    """
    shutil.copytree(embedded_folder(), folder, ignore=shutil.ignore_patterns("*.safetensors"))
    tokens = _tokens_of_tests()
    with safe_open(embedded_folder() / "model.safetensors", "np") as whole:
        deeper = tuple(f"encoder.layer.{number}." for number in range(LAYERS, 6))
        kept = {name: whole.get_tensor(name) for name in list(whole.keys()) if not name.startswith(deeper)}
    words = "embeddings.word_embeddings.weight"
    save_file(kept | {words: kept[words][list(tokens.values())]}, folder / "model.safetensors")
    rewrite(folder / "config.json", num_hidden_layers=LAYERS, vocab_size=len(tokens))
    model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
    rewrite(folder / "tokenizer.json", model=model | {"vocab": {token: place for place, token in enumerate(tokens)}})
    return folder


def _tokens_of_tests() -> dict[str, int]:
    """Return the tokens of the default encoder that are common, or in a text of this folder, with their rows."""
    tokenizer = Tokenizer.from_file(str(embedded_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    said = "".join(file.read_text(encoding="utf-8") for file in Path(__file__).parent.glob("*.py"))
    numbers = sorted({*range(COMMON_TOKENS), *tokenizer.encode(said).ids})
    return {str(tokenizer.id_to_token(number)): number for number in numbers}


def rewrite(file: Path, **fields: object) -> None:
    """Give a JSON file other `fields`."""
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8")) | fields), encoding="utf-8")


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
