"""The method `matcher` through the verbs: trained, saved, loaded, measured, exported, and its options checked."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from classwright_tools.classify import ClassifyRequest, classify
from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Example, make_example
from classwright_tools.domain.pair import joined
from classwright_tools.domain.task import Label, Task
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.errors import Cancelled, DamagedArtifact, InvalidInput, NotEnoughData, NotFound
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.export_model import ExportModelRequest, export_model
from classwright_tools.learning import pair_matching
from classwright_tools.learning.matching.matcher import Matcher
from classwright_tools.learning.matching.pairs import Pairs
from classwright_tools.learning.matching.settings import MatcherSettings, NegativeSettings
from classwright_tools.learning.model import load_model
from classwright_tools.learning.pair_matching import PairClassifier
from classwright_tools.learning.rows import training_rows
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.splits import grouped_folds
from classwright_tools.measurement.held_out import texts_per_second
from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult, train_classifier
from classwright_tools.workspace.workspace import Workspace
from support.pair import KINDS, pair_rows, pair_task, save_pairs
from support.readme_code import code_blocks, printed_numbers, run_code

TRAINING, HELD_OUT = tuple(KINDS)[:6], tuple(KINDS)[6:]
FEW_STEPS = 50


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ToolContext:
    """A context on a workspace with a dataset of pairs, shared by this module's tests."""
    workspace = Workspace(tmp_path_factory.mktemp("pairs") / "workspace")
    pair_task(workspace)
    rows = {"train": pair_rows(TRAINING), "test": pair_rows(HELD_OUT), "unlabelled": _unlabelled()}
    save_pairs(workspace, rows)  # type: ignore[arg-type]  # the keys are splits
    return ToolContext(workspace=workspace, run_key="matcher")


def _unlabelled() -> list[object]:
    rows = [row for row in pair_rows(HELD_OUT) if row.label == "fits"]
    return [row.model_copy(update={"label": None, "text": f"new {row.text}"}) for row in rows]


@pytest.fixture(scope="module")
def trained(context: ToolContext) -> TrainClassifierResult:
    """A matcher."""
    request = TrainClassifierRequest(task="shop", dataset="shop-d1", method="matcher", epochs=FEW_STEPS)
    return train_classifier(request, context)


def test_a_matcher_tells_unseen_queries_apart(trained: TrainClassifierResult, context: ToolContext) -> None:
    result = evaluate(EvaluateRequest(model=trained.model, split="test"), context)

    assert trained.method == "matcher"
    assert result.figures.accuracy.value > 0.8
    assert result.figures.average_precision is not None
    assert result.figures.average_precision.value > 0.9


def test_how_many_pairs_a_matcher_answers_a_second_counts_reading_their_tokens_too(
    trained: TrainClassifierResult, context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    from classwright_tools.learning.matching import tokens

    evaluate(EvaluateRequest(model=trained.model, split="test"), replace(context, run_key="kept"))  # tokens are kept
    read: list[str] = []
    computed = tokens._computed  # what reads tokens

    def noting(encoder: object, texts: list[str]) -> list[np.ndarray]:
        read.extend(texts)
        return computed(encoder, texts)  # type: ignore[arg-type]  # an Encoder

    monkeypatch.setattr(tokens, "_computed", noting)
    rows = pair_rows(HELD_OUT)
    texts_per_second(load_model(context.workspace, trained.model, remember=False), rows)

    assert {row.text for row in rows} | {row.text_pair for row in rows} <= set(read)


def test_a_matcher_loads_back_to_the_bit_without_pickle(trained: TrainClassifierResult, context: ToolContext) -> None:
    rows = [row.content for row in pair_rows(HELD_OUT)]
    first, second = (load_model(context.workspace, trained.model, remember=False) for _ in range(2))

    assert isinstance(first.classifier, PairClassifier)
    assert (first.predict_proba(rows) == second.predict_proba(rows)).all()
    files = context.workspace.artifact(trained.model, "model").path.rglob("*")
    assert {path.suffix for path in files} <= {".json", ".safetensors"}


def test_a_matcher_whose_file_was_changed_is_not_opened(context: ToolContext) -> None:
    request = TrainClassifierRequest(task="shop", method="matcher", epochs=1, negatives="random")
    model = train_classifier(request, replace(context, run_key="to be damaged")).model
    (context.workspace.artifact(model, "model").path / "matcher.json").write_text("{}", encoding="utf-8")

    with pytest.raises(DamagedArtifact, match=r"'matcher.json' has changed"):
        load_model(context.workspace, model)


def test_classify_answers_by_a_matcher(trained: TrainClassifierResult, context: ToolContext) -> None:
    pairs = [{"text": "red rug", "text_pair": "red woven rug"}, {"text": "red rug", "text_pair": "garden hose"}]
    request = ClassifyRequest.model_validate({"model": trained.model, "pairs": pairs, "threshold": 0})

    assert [answer.label for answer in classify(request, context).results] == ["fits", "mismatch"]


def test_a_matcher_shows_where_it_looked(trained: TrainClassifierResult, context: ToolContext) -> None:
    model = load_model(context.workspace, trained.model)
    assert isinstance(model.classifier, PairClassifier)

    found = model.classifier.attention(joined("red lamp", "small red table lamp"))

    assert found.query == ("red", "lamp")
    assert found.item[found.weights[1].argmax()] == "lamp"
    assert found.weights.sum(axis=1) == pytest.approx(np.ones(2))


def test_the_error_report_draws_where_the_matcher_looked(trained: TrainClassifierResult, context: ToolContext) -> None:
    wrong = [
        row.model_copy(update={"label": "fits" if row.label == "mismatch" else "mismatch"})
        for row in pair_rows(HELD_OUT)[:4]
    ]
    rows = {"train": pair_rows(TRAINING), "validation": wrong}
    checked = save_pairs(context.workspace, rows, run_key="checked")  # type: ignore[arg-type]  # the keys are splits

    result = error_analysis(
        ErrorAnalysisRequest(model=trained.model, dataset=checked), replace(context, run_key="errors")
    )

    folder = context.workspace.artifact(result.report, "report").path
    assert (folder / "attention_1.svg").read_text(encoding="utf-8").startswith("<svg ")
    assert "<h2>Attention</h2>" in (folder / "report.html").read_text(encoding="utf-8")
    assert "attention_1.svg" in result.summary


def test_the_attention_of_any_pair_is_drawn_when_it_is_asked_for(
    trained: TrainClassifierResult, context: ToolContext
) -> None:
    pairs = [
        {"text": "red lamp", "text_pair": "small red table lamp"},
        {"text": "red lamp", "text_pair": "garden hose"},
    ]
    rows = {"train": pair_rows(TRAINING), "validation": pair_rows(HELD_OUT)[:4]}
    dataset = save_pairs(context.workspace, rows, run_key="asked")  # type: ignore[arg-type]  # the keys are splits
    request = {"model": trained.model, "dataset": dataset, "pairs": pairs}

    result = error_analysis(ErrorAnalysisRequest.model_validate(request), replace(context, run_key="attention"))

    folder = context.workspace.artifact(result.report, "report").path
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert (folder / "attention_2.svg").read_text(encoding="utf-8").startswith("<svg ")
    assert page.index("red lamp → small red table lamp. Given: fits.") < page.index("garden hose. Given: mismatch.")
    wordless = {**request, "pairs": [{"text": "", "text_pair": "garden hose"}]}
    with pytest.raises(InvalidInput, match="has a text without words"):
        error_analysis(ErrorAnalysisRequest.model_validate(wordless), replace(context, run_key="wordless"))
    simple = TrainClassifierRequest(task="shop", dataset=trained.dataset, method="probe")
    probe = train_classifier(simple, replace(context, run_key="probe"))
    with pytest.raises(InvalidInput, match=r"only a matcher looks.*Leave it out"):
        error_analysis(
            ErrorAnalysisRequest.model_validate({**request, "model": probe.model}), replace(context, run_key="probed")
        )


def test_an_export_of_a_matcher_gives_its_probabilities(trained: TrainClassifierResult, context: ToolContext) -> None:
    result = export_model(ExportModelRequest(model=trained.model), context)

    folder = context.workspace.artifact(result.export, "export").path
    assert {"matcher.safetensors", "matcher.json", "encoder/model.safetensors"} <= {file.name for file in result.files}
    (code,) = code_blocks(folder)
    printed = printed_numbers(run_code(folder, code, needs_classwright=True))
    own = load_model(context.workspace, trained.model).predict_proba([joined("a query", "an item")])
    assert printed == pytest.approx(own[0].tolist(), abs=1e-5)


def test_any_mix_of_negatives_trains_and_the_knobs_of_mining_reach_the_library(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sentence_transformers.util

    seen: dict[str, object] = {}
    mine = sentence_transformers.util.mine_hard_negatives

    def noting(*given: object, **knobs: object) -> object:
        seen.update(knobs)
        return mine(*given, **knobs)

    mixes = []
    make = NegativeSettings.__post_init__
    monkeypatch.setattr(sentence_transformers.util, "mine_hard_negatives", noting)
    monkeypatch.setattr(NegativeSettings, "__post_init__", lambda self: (mixes.append(self.mix), make(self)))
    knobs = {"range_min": 1, "range_max": 9, "num_negatives": 2, "relative_margin": None, "max_score": 0.95}
    fields = {"negatives": ["mined", "random", "random", "generated"], "mining": knobs, "epochs": 1}

    train_classifier(
        TrainClassifierRequest.model_validate({"task": "shop", "method": "matcher", **fields}),
        replace(context, run_key="mixed"),
    )

    assert (("mined", 0.25), ("random", 0.5), ("generated", 0.25)) in mixes
    assert seen.items() >= knobs.items()


@pytest.mark.parametrize("negatives", ["none", "random", "mined", "generated"])
def test_every_kind_of_negatives_trains_and_unlabelled_pairs_can_be_matches(
    negatives: str, context: ToolContext
) -> None:
    fields = {"task": "shop", "method": "matcher", "epochs": 1, "negatives": negatives, "unlabelled_as": "fits"}

    result = train_classifier(
        TrainClassifierRequest.model_validate(fields), replace(context, run_key=f"with {negatives}")
    )

    assert result.training_rows == 48


def test_no_unlabelled_pair_with_the_query_of_a_held_out_one_is_trained_on(
    context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = pair_rows(TRAINING), pair_rows(HELD_OUT)
    bought = [
        row.model_copy(update={"id": f"{place:016x}", "label": None, "text": row.text.upper(), "text_pair": "a bench"})
        for place, row in enumerate((*train, *test))
    ]
    dataset = save_pairs(context.workspace, {"train": train, "test": test, "unlabelled": bought}, run_key="bought")
    fitted = []
    fit = pair_matching.fit_matcher

    def noting(labelled: Pairs, setup: Setup, settings: MatcherSettings, unlabelled: Pairs | None) -> Matcher:
        fitted.append((set(labelled.queries), {query.lower() for query in unlabelled.queries} if unlabelled else set()))
        return fit(labelled, setup, settings, unlabelled)

    monkeypatch.setattr(pair_matching, "fit_matcher", noting)
    request = TrainClassifierRequest(
        task="shop", dataset=dataset, method="matcher", epochs=1, unlabelled_as="fits", negatives="random"
    )
    model = train_classifier(request, replace(context, run_key="of bought pairs")).model

    *folds, whole = sorted(fitted, key=lambda one: len(one[0]))
    assert folds
    for labelled, unlabelled in folds:
        assert unlabelled == labelled  # as every query was bought as well
    assert whole[1] == {row.text for row in train}
    told = evaluate(EvaluateRequest(model=model, split="test"), replace(context, run_key="on test rows"))
    assert "query that was trained on" not in told.summary
    other = save_pairs(
        context.workspace,
        {"validation": [row.model_copy(update={"text_pair": "a door"}) for row in train[:4]]},
        run_key="known",
    )
    told = evaluate(EvaluateRequest(model=model, dataset=other), replace(context, run_key="on known queries"))
    assert "4 of these rows have a query that was trained on" in told.summary


def test_of_many_unlabelled_pairs_a_sample_is_trained_on_and_counted(
    trained: TrainClassifierResult, context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classwright_tools.measurement.held_out.MOST_UNLABELLED", 7)
    request = TrainClassifierRequest(
        task="shop", dataset=trained.dataset, method="matcher", epochs=1, unlabelled_as="fits", negatives="random"
    )
    model = train_classifier(request, replace(context, run_key="of a sample")).model

    assert load_model(context.workspace, model).card.unlabelled_pairs == 7


def test_embedding_pairs_can_be_stopped(trained: TrainClassifierResult, context: ToolContext) -> None:
    told = []

    def stop_while_embedding(_done: float | None, message: str) -> None:
        told.append(message)
        if "embedding" in message:
            raise Cancelled

    rows = [row.model_copy(update={"text": f"sturdy {row.text}"}) for row in pair_rows(TRAINING)]
    dataset = save_pairs(context.workspace, {"train": rows}, run_key="never embedded")
    request = TrainClassifierRequest(task="shop", dataset=dataset, method="matcher", epochs=1)
    with pytest.raises(Cancelled):
        train_classifier(request, replace(context, run_key="stopped", report=stop_while_embedding))
    assert sum("embedding" in message for message in told) == 1


def test_auto_chooses_between_the_probe_and_the_matcher(trained: TrainClassifierResult, context: ToolContext) -> None:
    request = TrainClassifierRequest(task="shop", dataset=trained.dataset, epochs=1, negatives="random")

    result = train_classifier(request, replace(context, run_key="auto"))

    assert {result.method, *(other.method for other in result.tried)} == {"probe", "matcher"}


def _mismatches_of(queries: dict[str, int]) -> list[Example]:
    """Return a match of every query, and mismatches of the `queries`, as many as they say."""
    wrong = [
        make_example(query, "mismatch", text_pair=f"{colour} {other}")
        for query, count in queries.items()
        for colour, other in list(product(("blue", "green"), list(KINDS.values())[2:]))[:count]
    ]
    return [row for row in pair_rows() if row.label == "fits"] + wrong


@pytest.mark.parametrize("method", ["auto", "matcher"])
def test_a_matcher_is_measured_on_a_fold_with_mismatches_on_both_sides(method: str, context: ToolContext) -> None:
    rows = _mismatches_of({"red drill": 12, "red lamp": 1})
    ((trained_on, _), *_) = grouped_folds(training_rows(rows, ("fits", "mismatch")), 0)
    assert sum(rows[place].label == "mismatch" for place in trained_on) == 1  # the first fold would not do
    dataset = save_pairs(context.workspace, {"train": rows}, run_key=f"uneven {method}")
    request = TrainClassifierRequest.model_validate(
        {"task": "shop", "dataset": dataset, "method": method, "epochs": 1, "negatives": "random"}
    )

    result = train_classifier(request, replace(context, run_key=f"uneven {method}"))

    measured = {other.method: other.validation for other in result.tried} | {result.method: result.validation}
    assert measured["matcher"].average_precision is not None


def test_with_mismatches_of_one_query_auto_takes_the_probe_and_the_matcher_says_why(context: ToolContext) -> None:
    dataset = save_pairs(context.workspace, {"train": _mismatches_of({"red drill": 12})}, run_key="one query")
    request = TrainClassifierRequest(task="shop", dataset=dataset, epochs=1)

    result = train_classifier(
        request.model_copy(update={"unlabelled_as": "fits"}), replace(context, run_key="one query")
    )

    assert (result.method, result.tried) == ("probe", ())
    assert "12 training rows are 'mismatch', of too few queries to hold one out" in " ".join(result.notes)
    assert "So `unlabelled_as` counted for nothing." in result.notes
    said = "the 12 mismatches of the training rows: are of 1 query, too few .* Add mismatches of other queries"
    with pytest.raises(NotEnoughData, match=said):
        train_classifier(request.model_copy(update={"method": "matcher"}), replace(context, run_key="one, matcher"))


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"unlabelled_as": "mismatch"}, InvalidInput, "is the mismatch.*Name the label of matches"),
        ({"unlabelled_as": "fit"}, NotFound, "label 'fit': does not exist. Did you mean 'fits'"),
        ({"task": "plain", "negatives": "random"}, InvalidInput, "`negatives`: is for pairs.*Leave it out"),
        ({"task": "plain", "method": "matcher"}, InvalidInput, "'matcher': does not train on single texts"),
        ({"negatives": ["random"], "mining": {"range_max": 9}}, InvalidInput, "there are none.*Add 'mined'"),
        (
            {"method": "probe", "unlabelled_as": "fits"},
            InvalidInput,
            "is for 'matcher', and method 'probe' does not read",
        ),
        ({"task": "nli", "method": "matcher"}, InvalidInput, "does not say which label.*propose_topics"),
    ],
)
def test_options_that_do_not_fit_the_task_are_refused(
    fields: dict[str, str], error: type[Exception], words: str, context: ToolContext
) -> None:
    labels = (Label(name="same"), Label(name="other"))
    context.workspace.save_task(Task(slug="plain", instruction="tell apart", labels=labels))
    context.workspace.save_task(Task(slug="nli", instruction="tell apart", labels=labels, kind="pair"))

    with pytest.raises(error, match=words):
        train_classifier(TrainClassifierRequest.model_validate({"task": "shop", **fields}), context)
