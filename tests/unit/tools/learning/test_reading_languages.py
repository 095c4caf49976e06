"""An encoder that hardly reads a task's language is named before texts are paid for, by how its vocabulary cuts it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel, Whitespace
from tokenizers.trainers import BpeTrainer

from classwright_tools.chronicle.task_lines import task_line
from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.cards import ModelCard
from classwright_tools.domain.example import Provenance, make_example
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.reading_languages import _texts, cut_of, unread_remark, unread_remark_at_hand
from classwright_tools.measurement.encoder_first import encoder_first
from classwright_tools.propose_topics import ProposeTopicsRequest, propose_topics
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.learning import save_rows

GERMAN = {
    "refund": ("ich will mein geld zurück", "bitte erstatten sie mir den preis", "die lampe ist kaputt, geld zurück"),
    "delivery": ("wo bleibt mein paket", "wann kommt der kurier", "die sendung ist noch nicht da"),
}

NOWHERE = Path("nowhere")
"""A folder in which no encoder is kept."""
GERMAN_OF_OTHERS = {"refund": "ich hätte gern meine zahlung wieder", "delivery": "ist der wagen schon losgefahren?"}


@pytest.mark.parametrize("tag", ["de", "de-AT", "zh", "zh-Hant", "hi", "fr", "ja", "sr-Latn", "nb"])
def test_the_default_encoder_hardly_reads_other_languages_than_english(tag: str) -> None:
    told = unread_remark_at_hand(DEFAULT_ENCODER, ["en", tag], NOWHERE)
    assert told.startswith(f"The encoder 'all-MiniLM-L6-v2' hardly reads {tag} (its vocabulary ")
    assert told == unread_remark(open_encoder(DEFAULT_ENCODER), ["en", tag], NOWHERE)


def test_offline_without_another_encoder_it_is_said_how_one_gets_there_and_not_to_train_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.is_offline_mode", lambda: True)
    monkeypatch.setattr("huggingface_hub.utils._cache_manager.HF_HUB_CACHE", str(tmp_path / "cache"))
    alone = unread_remark_at_hand(DEFAULT_ENCODER, ["de"], tmp_path)
    (tmp_path / "somebody" / "multilingual").mkdir(parents=True)
    beside_another = unread_remark_at_hand(DEFAULT_ENCODER, ["de"], tmp_path)
    assert "No other encoder is here, and the server works offline: who runs it can bring one" in alone
    assert "'auto'" not in alone
    assert beside_another.endswith("Train with a multilingual `encoder`, or with 'auto'.")


@pytest.mark.parametrize("tags", [["en"], ["en-GB"], ["tlh"], ["hi-Latn"], []])
def test_of_english_and_of_what_no_text_is_known_in_nothing_is_said(tags: list[str]) -> None:
    assert unread_remark_at_hand(DEFAULT_ENCODER, tags, NOWHERE) == ""


def test_an_encoder_that_is_not_at_hand_is_not_judged() -> None:
    assert unread_remark_at_hand("nobody/has-this-model", ["de"], NOWHERE) == ""


def test_a_vocabulary_of_several_languages_reads_these_and_not_others() -> None:
    tokenizer = Tokenizer(BPE(unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    own = ("en-Latn", "de-Latn", "hi-Deva", "zh-Hani", "ru-Cyrl")
    trainer = BpeTrainer(vocab_size=20_000, special_tokens=["[UNK]"])
    tokenizer.train_from_iterator([text for language in own for text in _texts()[language]], trainer)
    scripts = {"de": "Latn", "hi": "Deva", "zh": "Hani", "ru": "Cyrl", "fi": "Latn", "th": "Thai"}
    unread = {tag: cut.is_unread(scripts[tag]) for tag in scripts if (cut := cut_of(tokenizer, tag))}
    assert unread == {"de": False, "hi": False, "zh": False, "ru": False, "fi": True, "th": True}


def test_a_vocabulary_of_bytes_is_not_judged() -> None:
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel()
    tokenizer.train_from_iterator(_texts()["en-Latn"], BpeTrainer(initial_alphabet=ByteLevel.alphabet()))
    assert cut_of(tokenizer, "th") is None


def test_it_is_said_with_the_task_with_the_training_and_with_the_errors(tmp_path: Path) -> None:
    context = ToolContext(workspace=Workspace(tmp_path / "workspace"), run_key="run")
    labels = tuple(Label(name=name) for name in GERMAN)
    asked = ProposeTopicsRequest(task="support", instruction="Tell them apart.", labels=labels, languages=("de",))
    told = "The encoder 'all-MiniLM-L6-v2' hardly reads de (its vocabulary cuts it 2.0 times as finely as English)"
    assert told in propose_topics(asked, context).summary

    rows = [
        make_example(text, label, origin="written", provenance=Provenance(cell=_cell(label, number), writer="recorded"))
        for label, texts in GERMAN.items()
        for number, text in enumerate([*texts, *(f"{text}, bitte sofort" for text in texts)])
    ]
    real = [
        make_example(f"{text} nummer {number}", label)
        for label, text in GERMAN_OF_OTHERS.items()
        for number in range(5)
    ]
    save_rows(context.workspace, rows, real)
    own = context.workspace.task("support")
    context.workspace.save_task(own.model_copy(update={"languages": ("en",)}))  # as where they are left out
    trained = train_classifier(TrainClassifierRequest(task="support", method="probe"), context)
    found = error_analysis(ErrorAnalysisRequest(model=trained.model), context)
    at_chance = "The model is not shown to be better than guessing, and the reason is most likely the encoder"
    measured = evaluate(EvaluateRequest(model=trained.model), context)
    for answer in (trained, found, measured):
        assert answer.summary.startswith(at_chance)
        assert answer.next_step.startswith("See to the encoder before more rows.")
    line = task_line(context.workspace, "support")
    assert line.in_use
    assert line.in_use.figure.endswith("on 10 real validation rows, not shown to be better than guessing")
    assert line.open[0].startswith(at_chance)
    card = context.workspace.document(trained.model, "model", ModelCard)
    better = card.validation.model_copy(update={"balanced_accuracy": Estimate(value=0.8, low=0.4, high=0.9)})
    assert encoder_first(card.model_copy(update={"validation": better})) == ("", "")
    for said in (" ".join(trained.notes), found.summary):
        assert told in said
        assert "the task says en: call propose_topics(task='support', languages=['de']) first." in said


def _cell(label: str, number: int) -> Cell:
    return Cell(label=label, topic=f"topic {number}", subtopic="all", source_type="message")


def test_an_english_task_gets_no_word_of_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "workspace")
    labels = tuple(Label(name=name) for name in GERMAN)
    asked = ProposeTopicsRequest(task="support", instruction="Tell them apart.", labels=labels)
    assert "reads" not in propose_topics(asked, ToolContext(workspace=workspace, run_key="run")).summary


def test_judging_from_files_loads_no_torch_and_where_all_is_english_nothing() -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from classwright_tools.learning.reading_languages import unread_remark_at_hand\n"
        f"assert not unread_remark_at_hand({DEFAULT_ENCODER!r}, ['en'], Path('nowhere'))\n"
        "assert not {'numpy', 'tokenizers', 'huggingface_hub'} & set(sys.modules)\n"
        f"assert unread_remark_at_hand({DEFAULT_ENCODER!r}, ['de'], Path('nowhere'))\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
