"""The sentences of report and card: what was reached, on whose texts, and what that does not tell."""

from __future__ import annotations

from typing import NamedTuple

from classwright_agents.figures import Round, gain_in, named
from classwright_agents.outcome import Outcome
from classwright_agents.report.held_out import HeldOutFigures
from classwright_agents.task_file import Metric, TaskFile
from classwright_tools.contract import Comparison, Estimate, EvaluationReport, Scores, counted

SURE_OF_NONE = "It is sure of none of these rows: in use it leaves each text to a person."
# Below so many rows an interval is wider than most gains.
FEW_ROWS = 200
METHODS = {
    "probe": "probe trains a linear classifier on the embeddings of a frozen encoder",
    "contrastive": "contrastive fine-tunes the encoder as well, so that texts of one label get similar embeddings",
    "finetune": "finetune trains the encoder as well, with a classification head on it",
    "setfit": "setfit fine-tunes the encoder as well, by the SetFit library",
}


class Fact(NamedTuple):
    """A figure and what it is."""

    value: str
    name: str


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _interval(figure: Estimate) -> str:
    return f"{100 * figure.low:.1f} to {100 * figure.high:.1f}"


def _kind(data: str) -> str:
    """Return whose texts rows of this kind or origin are, for a sentence."""
    return {"mixed": "real and written", "annotated": "real, model-labelled"}.get(data, data)


def final(outcome: Outcome) -> tuple[Scores, str]:
    """Return the figures that the report leads with, and whose texts they come from."""
    best = outcome.best
    assert best is not None
    return (outcome.test.figures, outcome.test.data) if outcome.test else (best.scores, best.data)


def training_name(training: Round, outcome: Outcome) -> str:
    """Return what a training is called in curve and tables: the round's number, or "final" of the final method's."""
    return "final" if training is outcome.final else str(training.round)


def headline(task: TaskFile, outcome: Outcome) -> str:
    """Return what was reached, in a sentence that needs no statistics."""
    scores, data = final(outcome)
    base = min(100, scores.rows)
    right = f"{base * scores.accuracy.value:.0f} of {base}"
    what = "all labels, and no other," if task.multi_label else "the right label"
    whose = {"real": "real texts", "annotated": "real texts", "written": "written texts"}.get(data, "texts")
    unseen = "it had never seen" if outcome.test else "were held out of its training"
    bare = scores.not_covered
    if bare:
        covered = f"{len(task.labels) - len(bare)} of the {len(task.labels)} labels"
        return f"Finds {what} for {right} {whose} that {unseen}, which are of {covered}: none is {named(bare)}."
    if not task.multi_label:
        what = f"the right one of {len(task.labels)} labels"
    return f"Finds {what} for {right} {whose} that {unseen}."


def facts(task: TaskFile, outcome: Outcome) -> list[Fact]:
    """Return the figures at the top, the most important first."""
    best = outcome.best
    assert best is not None
    scores, data = final(outcome)
    accuracy, rows, bare = scores.accuracy, scores.rows, len(scores.not_covered)
    kind = "test" if outcome.test else chosen_by(outcome)
    tokens = outcome.spent.tokens
    accuracy_name = "subset accuracy: all labels right," if task.multi_label else "accuracy"
    labels = f"{len(task.labels) - bare} of {len(task.labels)} labels" if bare else f"{len(task.labels)} labels"
    return [
        Fact(
            _percent(accuracy.value),
            f"{accuracy_name} on {rows:,} {_kind(data)} {kind} rows; 95% interval {_interval(accuracy)}",
        ),
        Fact(f"{scores.macro_f1.value:.3f}", f"macro-F1, the mean of the F1 of {labels}"),
        Fact(f"{best.rows:,}", "training rows, written"),
        Fact(f"{outcome.real_training_rows:,}", "real training rows"),
        Fact(f"{outcome.spent.seconds / 60:.1f} min", f"in all, and {tokens:,} tokens" if tokens else "in all"),
    ]


def sure_of(measured: EvaluationReport | None) -> int | None:
    """Return how many of the rows that it was measured on the model is sure of; None where that is not known."""
    kept = (one.kept for one in measured.coverage if one.threshold == measured.threshold) if measured else iter(())
    return next(kept, None)


def remarks(task: TaskFile, outcome: Outcome, measured: EvaluationReport | None) -> list[str]:
    """Return what a reader must know to judge the figures."""
    best = outcome.best
    assert best is not None
    scores, _ = final(outcome)
    accuracy, rows = scores.accuracy, scores.rows
    sentences = [*filter(None, [outcome.writer_limit]), *(measured.warnings if measured else ())]
    if sure_of(measured) == 0:
        sentences.append(SURE_OF_NONE)
    if task.validation is None:
        sentences.append(
            "No real validation rows were given: models were chosen by held-out written rows, topic by topic. These do "
            "not tell how the classifier does on real texts."
        )
    elif not outcome.test:
        sentences.append("The model was chosen by these same rows, so the figure is a little too good.")
    if best.scores.not_covered:
        sentences.append(f"None of the rows that models were chosen by is {named(best.scores.not_covered)}.")
    if not (outcome.test or best.model in outcome.measured) and not scores.beats_guessing:  # else the server warns
        sentences.append(f"The {scores.judged_by[0]} {scores.against_guessing}.")
    if rows < FEW_ROWS:
        sentences.append(
            f"{counted(rows, 'row is', 'rows are')} few: the true accuracy may lie anywhere from {_interval(accuracy)} "
            "percent."
        )
    if outcome.stop:
        sentences.append(f"Why it stopped: {outcome.stop.reason[:1].lower()}{outcome.stop.reason[1:]}")
    return sentences


def source(outcome: Outcome) -> str:
    """Return which rows the headline's figure comes from, and what the model learned from."""
    scores, data = final(outcome)
    rows = counted(scores.rows, f"{_kind(data)} {'test' if outcome.test else chosen_by(outcome)} row")
    measured = (
        f"It was measured on {rows}, used once, after the last decision."
        if outcome.test
        else f"It was measured on {rows}; there were no test rows."
    )
    real = outcome.real_training_rows
    learned = (
        f"It learned from written texts and {real:,} real ones."
        if real
        else "It learned from written texts; no real row was trained on."
    )
    return f"{measured} {learned}"


def chosen_by(outcome: Outcome) -> str:
    """Return which rows models were chosen by, in a word or two: some that were brought, or some of those written."""
    return "validation" if "validation" in outcome.imported else "held-out training"


def validation_words(outcome: Outcome) -> str:
    """Return what the rounds were measured on."""
    assert outcome.best is not None
    if "validation" in outcome.imported:
        return f"{outcome.best.scores.rows:,} real validation rows"
    return "written rows that were held out, topic by topic"


def gain_words(compared: Comparison, metric: Metric) -> str:
    """Return a round's gain on the best before it: in accuracy with p, in macro-F1 with its interval."""
    gain = gain_in(compared, metric)
    if metric != "accuracy":
        return f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
    return f"{gain.value:+.3f} (p {compared.p:.3f})" if compared.p >= 0.001 else f"{gain.value:+.3f} (p < 0.001)"


def terms(task: TaskFile, outcome: Outcome) -> str:
    """Return what the columns of the rounds' table mean, in plain words."""
    sentences = ["Macro-F1 is the mean F1 of the labels: a rare label counts as much as a frequent one."]
    if any(training.compared for training in outcome.trainings):
        sentences.append(
            "p is the probability of such a difference in accuracy by chance alone."
            if task.target.metric == "accuracy"
            else "A gain is shown with its 95% interval."
        )
    methods = [METHODS[name] for name in dict.fromkeys(r.method for r in outcome.trainings) if name in METHODS]
    if methods:
        listed = "; ".join(methods)
        sentences.append(f"{listed[:1].upper()}{listed[1:]}.")
    return " ".join(sentences)


def matrix_words(task: TaskFile) -> str:
    """Return how the confusion matrix is read."""
    if task.multi_label:
        return (
            " Blue cells count the texts of which a label was found. An orange cell counts the texts of which the "
            "label of its row was missed while that of its column, which they do not have, was given."
        )
    return (
        " Each row is a true label, each column a predicted label. Blue cells are correct, orange cells are errors; "
        "the stronger the colour, the larger the share of the row."
    )


def measured_words(measured: EvaluationReport | HeldOutFigures | None) -> str:
    """Return on which rows the figures by class were measured."""
    if not measured:
        return "Figures by label are kept for validation and test rows alone, and there were none."
    if isinstance(measured, EvaluationReport):
        return f"Measured on {counted(measured.figures.rows, f'{_kind(measured.data)} {measured.split} row')}."
    return (
        f"Measured on {measured.rows:,} {_kind(measured.data)} training rows, held out group by group: there were no "
        "validation or test rows."
    )


def training_words(outcome: Outcome) -> str:
    """Return how many texts were written, accepted and refused."""
    accepted = sum(written.accepted for written in outcome.written)
    refused = sum(sum(written.refused.values()) for written in outcome.written)
    wanted = sum(written.wanted for written in outcome.written)
    rounds = len(outcome.written)
    return (
        f"{accepted:,} of {wanted:,} texts wanted were written and kept, in {rounds} round{'s' if rounds > 1 else ''}; "
        f"{refused:,} more {'was' if refused == 1 else 'were'} refused."
    )


def cost_words(outcome: Outcome) -> str:
    """Return time, requests, tokens and money in a sentence, without what there was none of."""
    requests = sum(usage.requests for usage in outcome.usages)
    reused = sum(usage.completions_reused for usage in outcome.usages)
    spent = outcome.spent
    sentence = f"{spent.seconds / 60:.1f} minutes"
    if requests:
        sentence += f"; {counted(requests, 'completion')}"
    if spent.tokens:
        sentence += f" for {spent.tokens:,} tokens"
    if spent.dollars:
        sentence += f", ${spent.dollars:.2f}"
    if reused:
        sentence += f", {reused:,} of them answered from the store"
    asked = sum(usage.requests for usage in outcome.deciding)
    if asked:
        sentence += f". {outcome.driver} was asked {counted(asked, 'time')} what to do next, its tokens counted in"
    return f"{sentence}."


def files_words(files: tuple[tuple[str, int], ...]) -> str:
    """Return what the exported model consists of."""
    total = sum(size for _, size in files) / 1e6
    return f"{counted(len(files), 'file')}, {total:.0f} MB: " + ", ".join(name for name, _ in files) if files else ""
