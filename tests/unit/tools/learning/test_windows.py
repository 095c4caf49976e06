"""A text that is longer than its encoder takes at once is read in windows, and one that is not is read as ever."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.cards import EncoderRef
from classwright_tools.domain.pair import joined
from classwright_tools.domain.task import Label, Task
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import Encoder, open_encoder, read_encoder
from classwright_tools.learning.model import load_model
from classwright_tools.learning.pair_encoder import encoder_for
from classwright_tools.learning.windows import MOST_WINDOWS
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.learning import prompting_encoder, save_rows, shallow_encoder, written_rows

WORDS = ("kettle", "garden", "river")
# Each word is one token, and 254 of them fill a window.
THREE = " ".join(word for word in WORDS for _ in range(254))


@pytest.fixture
def encoder(shallow: str) -> Encoder:
    """An encoder that reads quickly, and these words as single tokens."""
    return open_encoder(shallow)


def unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def test_a_long_texts_embedding_is_the_mean_of_its_windows(encoder: Encoder) -> None:
    windows = encoder.embed([" ".join([word] * 254) for word in WORDS])
    (whole,) = encoder.embed([THREE])
    np.testing.assert_allclose(whole, unit(windows.mean(axis=0)), atol=1e-5)
    assert whole.dtype == np.float32


def test_a_short_rest_counts_as_little_as_it_is_long(encoder: Encoder) -> None:
    full, rest = " ".join(["kettle"] * 254), "river river"
    first, second = encoder.embed([full, rest])
    (whole,) = encoder.embed([f"{full} {rest}"])
    np.testing.assert_allclose(whole, unit(256 * first + 4 * second), atol=1e-5)


def test_what_comes_after_the_last_window_is_not_read_and_what_comes_before_is(encoder: Encoder) -> None:
    full = " ".join(["kettle"] * 254 * (MOST_WINDOWS - 1))
    ends = encoder.embed([f"{full} {end}" for end in ("kettle " * 254, "kettle " * 254 + "river", "river " * 254)])
    np.testing.assert_allclose(ends[0], ends[1], atol=1e-6)
    assert ends[0] @ ends[2] < 0.998


def test_a_text_that_the_encoder_takes_at_once_keeps_every_bit_beside_long_ones_and_without_windows(
    encoder: Encoder,
) -> None:
    first_alone = Encoder(replace_windows(encoder.ref, 1), encoder.model)
    short = ["where is my parcel", "kettle " * 200, "a" * 300]
    assert (encoder.embed([THREE, *short])[1:] == first_alone.embed(short)).all()


def replace_windows(ref: EncoderRef, windows: int) -> EncoderRef:
    return ref.model_copy(update={"windows": windows})


def test_the_cache_keeps_apart_how_a_long_text_was_read_and_shares_short_ones(encoder: Encoder, tmp_path: Path) -> None:
    first_alone = Encoder(replace_windows(encoder.ref, 1), encoder.model)
    before = first_alone.embed([THREE, "short"], EmbeddingCache(tmp_path))
    cache = EmbeddingCache(tmp_path)
    after = encoder.embed([THREE, "short"], cache)
    assert (cache.computed, cache.reused) == (1, 1)
    assert not np.allclose(before[0], after[0], atol=1e-2)
    again = EmbeddingCache(tmp_path)
    assert (encoder.embed([THREE, "short"], again) == after).all()
    assert (again.computed, again.reused) == (0, 2)


def test_progress_is_told_within_many_long_texts(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classwright_tools.learning.encoders.CHUNK_CHARACTERS", 2 * len(THREE))
    told: list[float] = []
    encoder.embed([THREE + str(n) for n in range(4)], on_progress=told.append)
    assert len(told) > 2


def test_each_text_of_a_pair_has_its_windows(encoder: Encoder) -> None:
    (features,) = encoder_for("pair", encoder).embed([joined("kettle", THREE)])
    query, item = encoder.embed(["kettle", THREE])
    np.testing.assert_allclose(features[: 2 * 384], np.concatenate([query, item]), atol=1e-6)


def test_a_prompt_stands_before_the_first_window(tmp_path: Path) -> None:
    encoder = read_encoder(prompting_encoder(tmp_path / "encoder"), "mine")
    prompt = encoder.model.prompts["kind"]
    bare = read_encoder(shallow_encoder(tmp_path / "bare"), "bare")
    np.testing.assert_allclose(encoder.embed([THREE]), bare.embed([prompt + THREE]), atol=1e-6)


def test_a_model_goes_on_reading_a_long_text_as_when_it_was_trained(tmp_path: Path, shallow: str) -> None:
    workspace = Workspace(tmp_path / "workspace")
    labels = tuple(Label(name=name) for name in ("refund", "delivery", "account"))
    workspace.save_task(Task(slug="support", instruction="Tell them apart.", labels=labels))
    save_rows(workspace, written_rows())
    context = ToolContext(workspace=workspace, run_key="run", encoder=shallow)
    made = train_classifier(TrainClassifierRequest(task="support", method="probe"), context).model
    model = load_model(workspace, made)
    assert model.card.encoder.windows == model.encoder.ref.windows == MOST_WINDOWS

    card = workspace.artifact(made, "model").path / "card.json"
    card.write_text(card.read_text(encoding="utf-8").replace('"windows": 8', '"windows": 1'), encoding="utf-8")
    older = load_model(workspace, made)
    first = " ".join([WORDS[0]] * 254)
    np.testing.assert_allclose(older.predict_proba([THREE]), model.predict_proba([first]), atol=1e-5)
    assert not np.allclose(older.predict_proba([THREE]), model.predict_proba([THREE]), atol=1e-2)
