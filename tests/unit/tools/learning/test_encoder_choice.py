"""`encoder="auto"` keeps the encoder whose embeddings separate the task best, and says by what and at what cost."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.cards import EncoderRef
from classwright_tools.domain.pair import apart, joined
from classwright_tools.domain.task import Label, Task
from classwright_tools.errors import Cancelled, InvalidInput
from classwright_tools.learning import encoder_choice
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoder_choice import (
    FOR_ENGLISH,
    EncoderChoice,
    Trial,
    choose_encoder,
    encoders_at_hand,
)
from classwright_tools.learning.encoder_folders import MULTILINGUAL, embedded_folder
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.methods.choice import check_encoder
from classwright_tools.learning.model import load_model
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.training_data import TrainingData, read_training_data
from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.learning import real_rows, save_rows, written_rows


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    """A workspace with the task `support`, where the hub is switched off."""
    workspace = Workspace(tmp_path / "workspace")
    labels = tuple(Label(name=name) for name in ("refund", "delivery", "account"))
    workspace.save_task(Task(slug="support", instruction="Tell them apart.", labels=labels))
    return ToolContext(workspace=workspace, run_key="run", hub=False)


def without_sense(folder: Path) -> Path:
    """Make `folder` the default encoder with weights that were drawn at random; return it."""
    shutil.copytree(embedded_folder(), folder)
    generator = torch.Generator().manual_seed(0)
    weights = load_file(folder / "model.safetensors")
    drawn = {
        name: torch.randn(tensor.shape, generator=generator) * 0.5 if tensor.is_floating_point() else tensor
        for name, tensor in weights.items()
    }
    save_file(drawn, folder / "model.safetensors")
    return folder


def static(folder: Path) -> Path:
    """Make `folder` an encoder that is a table of words, drawn at random; return it."""
    torch.manual_seed(0)
    words = StaticEmbedding(Tokenizer.from_file(str(embedded_folder() / "tokenizer.json")), embedding_dim=32)
    SentenceTransformer(modules=[words], device="cpu").save_pretrained(str(folder))
    return folder


def trained(context: ToolContext, **asked: object) -> TrainClassifierResult:
    fields = {"task": "support", "method": "probe", "encoder": "auto"} | asked
    return train_classifier(TrainClassifierRequest.model_validate(fields), context)


def test_the_encoder_that_separates_best_is_kept_whoever_is_the_servers(context: ToolContext, tmp_path: Path) -> None:
    save_rows(context.workspace, written_rows())
    poor = without_sense(tmp_path / "poor")

    answer = trained(replace(context, encoder=str(poor)))

    model = load_model(context.workspace, answer.model)
    assert model.card.encoder.name == DEFAULT_ENCODER
    told = r"held out group by group: 'all-MiniLM-L6-v2' ([01]\.\d+) at [\d.,]+ s a 1,000 rows; "
    found = re.search(told + r"'poor' ([01]\.\d+) at [\d.,]+ s", " ".join(answer.notes))
    assert found, " ".join(answer.notes)
    assert float(found[1]) > float(found[2]) + 0.2
    assert found[0] in " ".join(model.card.remarks)
    assert "The lead over 'poor' is more than chance." in " ".join(answer.notes)
    assert str(tmp_path) not in " ".join(answer.notes)


def test_a_static_encoder_is_trained_on_by_what_needs_no_layers(context: ToolContext, tmp_path: Path) -> None:
    save_rows(context.workspace, written_rows())
    own = replace(context, encoder=str(static(tmp_path / "static")))

    answer = trained(own, method="auto", encoder=None)

    assert answer.method == "probe"
    assert "Not tried: 'contrastive'. The encoder is static" in " ".join(answer.notes)
    refused = "encoder 'static': is static, a table of words, and has no layers, which method '{}' needs"
    with pytest.raises(InvalidInput, match=refused.format("finetune")):
        trained(own, method="finetune", encoder=None)
    with pytest.raises(InvalidInput, match=refused.format("matcher")):
        check_encoder("matcher", open_encoder(own.encoder))

    data = read_training_data(own.workspace, "support-d1", own.workspace.task("support"))
    cache = EmbeddingCache(own.workspace.cache)
    choice = choose_encoder(
        replace(data, validation=None), own.workspace.task("support"), "contrastive", cache, 0, own, alike=False
    )
    assert choice.encoder.has_layers
    assert "Not tried: 'static' is static" in choice.remark


def test_enough_real_validation_rows_decide(context: ToolContext) -> None:
    save_rows(context.workspace, written_rows(), real_rows(10))
    assert (
        "a simple classifier (probe) on 60 validation rows of real texts, trained on 30 rows: 'all-MiniLM"
        in " ".join(trained(context).notes)
    )


def test_an_encoder_that_cannot_be_had_is_named_and_the_others_are_tried(context: ToolContext) -> None:
    save_rows(context.workspace, written_rows())
    summary = " ".join(trained(replace(context, hub=True)).notes)
    assert "the only one that could be tried. Not tried: 'BAAI/bge-small-en-v1.5' cannot be fetched" in summary


def test_the_encoders_to_try_are_the_servers_those_of_the_workspace_and_one_of_the_hub(context: ToolContext) -> None:
    shutil.copytree(embedded_folder(), context.workspace.encoders / "someone" / "theirs")
    own = replace(context, encoder="mine", is_operator=False)
    assert encoders_at_hand(["en"], own) == ["mine", DEFAULT_ENCODER, "someone/theirs"]
    assert encoders_at_hand(["en-GB"], replace(own, hub=True))[3:] == [FOR_ENGLISH]
    assert encoders_at_hand(["en", "de"], replace(own, hub=True))[3:] == [MULTILINGUAL]


def test_a_lead_that_may_be_chance_is_said_to_be_so_with_the_rows_that_would_tell() -> None:
    encoder = open_encoder(DEFAULT_ENCODER)
    right = np.arange(100) < 70
    better, other = (
        Trial(encoder, right | (np.arange(100) >= 88), 1.0),
        Trial(encoder, right | (np.arange(100) < 76), 1.0),
    )

    said = better.lead_over(other)

    assert said == "Which of the first two is better cannot be told from 100 rows: about 400 such rows would tell."
    assert better.lead_over(better).endswith("cannot be told from 100 rows.")


class Scattered:
    """Embeddings of 8 numbers drawn at random, in which rare rows lie further along the first, as far as `told`."""

    has_layers = True

    def __init__(self, told: float, rare: np.ndarray) -> None:
        self.ref = EncoderRef(name=f"told {told}", digest="0" * 64)
        self._rows = np.random.default_rng(0).normal(size=(len(rare), 8)).astype(np.float32)
        self._rows[:, 0] += told * rare

    def embed(self, texts: Sequence[str], *_: object) -> np.ndarray:
        """Return the embeddings of texts, or of queries of pairs, that are the rows' numbers."""
        return self._rows[[int(apart(text)[0]) for text in texts]]


def chosen_of(
    at_hand: Sequence[float],
    rare: np.ndarray,
    task: Task,
    context: ToolContext,
    monkeypatch: pytest.MonkeyPatch,
    **how: bool,
) -> EncoderChoice:
    """Return the choice between scattered encoders by rows of which half are for validation."""
    encoders = {f"told {told}": Scattered(told, rare) for told in at_hand}
    monkeypatch.setattr(encoder_choice, "encoders_at_hand", lambda *_: list(encoders))
    monkeypatch.setattr(encoder_choice, "callers_encoder", lambda name, _: encoders[name])
    monkeypatch.setattr(encoder_choice, "encoder_for", lambda _, encoder: encoder)
    texts = tuple(joined(str(n), "item") if task.kind == "pair" else str(n) for n in range(len(rare)))
    rows, half = Rows(texts, rare.astype(np.int64), np.arange(len(rare)), "real"), np.arange(len(rare)) < len(rare) / 2
    data = TrainingData(rows.take(np.flatnonzero(half)), {}, 0, (), rows.take(np.flatnonzero(~half)), {})
    return choose_encoder(data, task, "probe", EmbeddingCache(context.workspace.cache), 0, context, **how)


def test_where_a_mismatch_is_named_the_encoder_that_ranks_mismatches_best_is_kept(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = (Label(name="fits"), Label(name="mismatch"))
    task = Task(slug="shop", instruction="Does it fit?", kind="pair", labels=labels, mismatch="mismatch")
    rare = np.random.default_rng(0).random(600) < 0.05

    choice = chosen_of((0.0, 2.0), rare, task, context, monkeypatch, alike=False)

    assert choice.encoder.ref.name == "told 2.0"
    assert "chosen by the average precision of the mismatches of a simple classifier" in choice.remark
    assert "The lead over 'told 0.0' is more than chance." in choice.remark


def test_where_labels_count_alike_the_encoder_that_tells_a_rare_one_is_kept(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = Task(slug="bank", instruction="Fraud?", labels=(Label(name="other"), Label(name="fraud")))
    rare = np.random.default_rng(0).random(600) < 0.05

    plain, alike = (chosen_of((0.0, 1.5), rare, task, context, monkeypatch, alike=alike) for alike in (False, True))

    assert "chosen by the accuracy of" in plain.remark
    assert "chosen by the balanced accuracy of" in alike.remark
    assert alike.encoder.ref.name == "told 1.5"
    assert "The lead over 'told 0.0' is more than chance." in alike.remark
    assert "cannot be told" in plain.remark
    of_none = re.search(r"'told 0\.0' (0\.\d+)", alike.remark)
    assert of_none
    assert float(of_none[1]) < 0.5, "a mean of two recalls, where 0.55 of all rows are right"


def test_a_call_that_is_cancelled_while_encoders_are_tried_stops(context: ToolContext) -> None:
    save_rows(context.workspace, written_rows())

    words: list[str] = []
    stopping = replace(
        context,
        report=lambda _, message: words.append(message),
        is_cancelled=lambda: any("trying the encoder" in message for message in words),
    )
    with pytest.raises(Cancelled):
        trained(stopping)


def test_an_augmentation_has_its_own_encoder(context: ToolContext) -> None:
    with pytest.raises(InvalidInput, match="whose rows are of one encoder"):
        trained(context, augmentation="support-g1")
