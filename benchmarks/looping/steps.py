"""The steps of the loop on a recorded set, each a call of a tool of the product; what was made is found again."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from articles.runs import Figures
from classwright_tools.annotate_examples import AnnotateExamplesRequest, annotate_examples
from classwright_tools.context import DEFAULT_ENCODER, ToolContext
from classwright_tools.domain.annotation import Annotation, RowToLabel
from classwright_tools.domain.example import Split
from classwright_tools.domain.figures import Estimate
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.import_examples import ImportExamplesRequest, import_examples
from classwright_tools.learning.model import load_model
from classwright_tools.measurement.held_out import Answers, answers
from classwright_tools.propose_topics import propose_topics
from classwright_tools.statistics.intervals import Statistic, bootstrap
from classwright_tools.statistics.metrics import (
    Floats,
    Labels,
    accuracy_of,
    class_figures,
    compute_figures,
    figures_of_label,
    macro_f1,
    weighted_f1,
)
from classwright_tools.train_classifier import TrainClassifierRequest, train_classifier
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.workspace import Workspace
from looping.recorded import RecordedSet, Row

ANSWERS_A_CALL = 100
MOST_LABELS = 12  # whose own figures are kept
# Which figure a set is known by, if not its accuracy.
MEASURES = {"twitter_financial_news": "weighted_f1", "toxic_chat": "f1 toxic", "emotion": "macro_f1"}


@dataclass(frozen=True)
class Steps:
    """A workspace in which one recorded set is built up; `held_out` training rows stand for the test rows if so."""

    recorded: RecordedSet
    held_out: bool
    encoder: str
    context: ToolContext

    @property
    def task(self) -> str:
        """The slug of the task."""
        return self.recorded.task.task

    def begin(self, *, with_validation: bool = True) -> str:
        """Make the task, its topics, and a dataset of the rows to measure on and of the validation rows; return it."""
        propose_topics(self.recorded.task, self._step("topics"))
        dataset = self.imported("test", self.recorded.measured(held_out=self.held_out), None)
        return self.imported("validation", self.recorded.validation, dataset) if with_validation else dataset

    def imported(self, split: Split, rows: list[Row], dataset: str | None, name: str = "") -> str:
        """Return `dataset` with `rows` in a split; `name` tells calls for one split and dataset apart."""
        key = f"{name or split}-onto-{dataset}"
        path = self.context.import_folders[0] / f"{self.recorded.name}-{self.recorded.seed}-{key}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        context = self._step(key)
        made = context.workspace.made_by(context.run_key, "dataset")
        if made:
            return made.id
        request = ImportExamplesRequest(
            task=self.task,
            split=split,
            path=path.name,
            dataset=dataset,
            new_dataset=dataset is None,
            keep_near_duplicates=split == "train",  # the gates had let them pass
        )
        found = import_examples(request, context).dataset
        assert found, f"{self.recorded.name!r} has no usable {split} rows"
        return found

    def with_round(self, number: int, dataset: str) -> str:
        """Return `dataset` with the texts of a round."""
        rows = [row for row in self.recorded.written if row["round"] == number]
        return self.imported("train", rows, dataset, f"round-{number}")

    def with_unlabelled(self, dataset: str) -> str:
        """Return `dataset` with the texts without labels."""
        return self.imported("unlabelled", self.recorded.unlabelled(held_out=self.held_out), dataset)

    def with_labels(self, dataset: str) -> str:
        """Return `dataset` with the texts without labels as training rows, labelled as the set has them."""
        return self.imported("train", self.recorded.supervised(held_out=self.held_out), dataset, "supervised")

    def annotated(self, dataset: str) -> str:
        """Return `dataset` with the client's labels for unlabelled texts, given as it gave them."""
        context = self._step(f"annotation-of-{dataset}")
        workspace, answers = context.workspace, self.recorded.answers
        rows = [
            row
            for split in ("unlabelled", "train", "validation")
            for row in read_rows(workspace, dataset, split)
            if row.id in answers
        ]
        asked = tuple(RowToLabel(id=f"t{place}", row=row.id, text=row.text) for place, row in enumerate(rows))
        annotation = Annotation(
            task=self.task, dataset=dataset, on_newest=False, order="informative", pool=len(asked), batches=(asked,)
        )
        made = workspace.publish_document(
            "annotation", self.task, annotation, run_key=context.run_key, parent=dataset, rows=len(asked)
        )
        for start in range(0, len(asked), ANSWERS_A_CALL):
            batch = asked[start : start + ANSWERS_A_CALL]
            given = {row.id: answers[row.row] for row in batch}
            request = AnnotateExamplesRequest(
                task=self.task,
                annotation=made.id,
                labels={id_: answer.labels for id_, answer in given.items() if answer.labels},
                fits_none=tuple(id_ for id_, answer in given.items() if not answer.labels and not answer.unsure),
                unsure=tuple(id_ for id_, answer in given.items() if answer.unsure),
            )
            result = annotate_examples(request, context)
        print(self.recorded.name, result.summary, flush=True)
        assert result.dataset
        return result.dataset

    def trained(self, dataset: str, method: str, seed: int, **options: object) -> str:
        """Return a model of `dataset`."""
        name = "-".join([method, self.encoder, str(seed), *(f"{key}={value}" for key, value in options.items())])
        context = self._step(f"{name}-of-{dataset}")
        made = context.workspace.made_by(context.run_key, "model")
        if made:
            return made.id
        request = TrainClassifierRequest.model_validate(
            {
                "task": self.task,
                "dataset": dataset,
                "method": method,
                "encoder": self.encoder,
                "seed": seed,
                **options,
            }
        )
        result = train_classifier(request, context)
        print(self.recorded.name, result.summary, flush=True)
        return result.model

    def figures(self, model: str, dataset: str, against: str | None = None) -> Figures:
        """Return the figures of `model` on the rows to measure on, and its gain there on the model `against`.

        They are those of `evaluate`, which would embed the rows for every model anew.
        """
        card = load_model(self.context.workspace, model).card
        found = self._answers(model, dataset)
        k = len(found.labels)
        whole = compute_figures(found.true, found.proba, found.labels)
        figures: Figures = {
            "rows": whole.rows,
            "accuracy": whole.accuracy.value,
            "weighted_f1": whole.weighted_f1.value,
            "macro_f1": whole.macro_f1.value,
            "calibration_error": whole.calibration_error,
            "other_encoder": float(card.encoder.name != DEFAULT_ENCODER),
        }
        if k <= MOST_LABELS:
            figures |= {
                f"f1 {one.label}": one.f1.value for one in class_figures(found.true, found.predicted, found.labels)
            }
        if card.rare and card.rare.best_f1:
            of_it, place = card.rare.label, found.labels.index(card.rare.label)
            given = found.proba[:, place] >= card.rare.best_f1.threshold
            at_best = figures_of_label(of_it, found.true == place, given)
            figures[f"f1 {of_it} from its threshold on"] = at_best.f1.value
        if card.shares:
            true = np.bincount(found.true, minlength=k) / len(found.true)
            shares = [(one.share, share) for one, share in zip(card.shares.labels, true, strict=True)]
            figures["shares_error"] = float(np.mean([abs(told.value - share) for told, share in shares]))
            figures["shares_covered"] = float(np.mean([told.low <= share <= told.high for told, share in shares]))
        if against:
            gain = _gain(measure(self.recorded.name), found, self._answers(against, dataset))
            figures |= {"gain": gain.value, "gain_low": gain.low, "gain_high": gain.high}
        return figures

    def is_kept(self, model: str, dataset: str, against: str) -> bool:
        """Return whether `model` is kept, in place of the model `against`, by the comparison on validation rows."""
        request = EvaluateRequest(model=model, dataset=dataset, against=against)
        comparison = evaluate(request, self._step(f"comparison-of-{model}-with-{against}")).comparison
        assert comparison
        return comparison.verdict == "gain"

    def labels_are_advised(self, model: str, dataset: str) -> bool:
        """Return whether `error_analysis` advises labels for some texts of `dataset` before a round of written ones."""
        found = error_analysis(
            ErrorAnalysisRequest(model=model, dataset=dataset), self._step(f"analysis-of-{model}-on-{dataset}")
        )
        return (found.next_step or "").startswith("Call annotate_examples")

    def _answers(self, model: str, dataset: str) -> Answers:
        """Return the answers of `model` to the rows to measure on, all of which it has not seen."""
        workspace = self.context.workspace
        rows = read_rows(workspace, dataset, "test")
        return answers(load_model(workspace, model), rows, dataset, lambda _: None)

    def _step(self, name: str) -> ToolContext:
        return replace(self.context, run_key=f"{self.recorded.name}/{self.recorded.seed}/{name}")


def measure(name: str) -> str:
    """Return the figure that the set `name` is known by."""
    return MEASURES.get(name, "accuracy")


def _gain(figure: str, found: Answers, other: Answers) -> Estimate:
    """Return by how much a `figure` of the answers `found` is above that of `other` ones to the same rows."""
    k = len(found.labels)
    of_label = figure.removeprefix("f1 ")
    present = np.array([found.labels.index(of_label)]) if of_label in found.labels else found.true
    statistics: dict[str, Statistic] = {"accuracy": _accuracy, "weighted_f1": weighted_f1}
    statistic = statistics.get(figure) or macro_f1(present, k)

    def gain(weights: Floats, true: Labels, ours: Labels, theirs: Labels) -> Floats:
        return statistic(weights, true, ours) - statistic(weights, true, theirs)

    return bootstrap(gain, found.true, found.predicted, other.predicted, least=-1.0)


def _accuracy(weights: Floats, true: Labels, predicted: Labels) -> Floats:
    return accuracy_of(weights, true == predicted)


def steps(
    recorded: RecordedSet, work: Path, *, held_out: bool, encoder: str = DEFAULT_ENCODER, encoders: Path | None = None
) -> Steps:
    """Return the steps of a set, whose workspace is in the folder `work` and has the further `encoders` at hand."""
    folder = work / (f"{recorded.name}-held-out" if held_out else recorded.name)
    files = folder / "files"
    files.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(folder)
    if encoders and not workspace.encoders.exists():
        workspace.encoders.parent.mkdir(parents=True, exist_ok=True)
        workspace.encoders.symlink_to(encoders.resolve())
    context = ToolContext(workspace=workspace, run_key=recorded.name, import_folders=(files,))
    return Steps(recorded, held_out, encoder, context)
