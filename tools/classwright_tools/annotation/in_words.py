"""An annotation in words: how it begins, what became of answers to it, and what it found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from classwright_tools.annotation.answers import Receipt
from classwright_tools.annotation.answers_now import by_words, ended_with
from classwright_tools.curation.queries import newly_shared
from classwright_tools.domain.annotation import Annotation, Answer
from classwright_tools.domain.cards import DatasetCard
from classwright_tools.domain.example import REAL_TEXTS
from classwright_tools.domain.excerpt import counted, listed, the_first
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.kinds import KINDS, kind_of
from classwright_tools.domain.label_sets import key_in_words
from classwright_tools.domain.task import Task
from classwright_tools.learning.training_data import counts_real_alone
from classwright_tools.measurement.next_training import next_training
from classwright_tools.statistics.share_interval import wilson
from classwright_tools.workspace.datasets import read_card
from classwright_tools.workspace.destination import told_beside
from classwright_tools.workspace.picked_rows import taken
from classwright_tools.workspace.workspace import Artifact, Workspace

LEAST_OTHER = 3  # rows that fit no label, to suggest one for them
MOST_LISTED = 5  # answers of a sentence
NOT_FAR = 0.2
"""Where guessing agrees on hardly less than so, an agreement without it would mislead."""


def begun(annotation: Annotation, checks: int, shown: int) -> str:
    """Return the sentences on an annotation at its beginning: so many `checks` are in it, so many texts are `shown`."""
    want, elsewhere = len(annotation.rows), annotation.labelled_in
    before = annotation.answered_before - sum(elsewhere.values())
    first = sum(annotation.ended.values()) if annotation.order != "random" else 0
    picked = want - checks - first
    ones = "one" if picked == 1 else "ones"
    informative = f"{ones} spread over groups of texts, by preference such that {annotation.model} is unsure of, out"
    how = {"typical": f"typical {ones}", "informative": informative, "random": f"random {ones}"}[annotation.order]
    parts = [f"{first} asked again"] if first else []
    parts += [f"{picked} {how}"] if picked or not first else []
    among = f", and {checks} whose labels are known, unmarked, to check you by" if checks else ""
    rows = counted(before, "row that was", "rows that were")
    skipped = f" {rows} answered without a single label, as with unsure, {_are(before)} not asked again."
    return (
        f"You label {counted(want, 'text')} in {counted(len(annotation.batches), 'batch', 'batches')}: "
        f"{' and '.join(parts)} of {counted(annotation.pool, 'unlabelled row')}{of_source(annotation.source)}{among}."
        f"{skipped if before else ''}{_may_come_again(annotation)}{_drawn_late(annotation)} "
        f"{labels_there(annotation.task, annotation.dataset, elsewhere)}Here {the_first(shown)}."
    )


def _may_come_again(annotation: Annotation) -> str:
    """Return that rows may be asked again, or come first, as the answers that they had have ended; "" of none."""
    rows = sum(annotation.ended.values())
    if not rows:
        return ""
    how = "may be asked again" if annotation.order == "random" else "come again, first"
    return f" {counted(rows, 'row')} {how}: {ended_with(annotation.ended)}."


def asked_again(ended: Collection[Answer], task: Task, when: str = "now") -> str:
    """Return that texts are asked again, `when`, whose answers, the `ended` ones, count no more; "" of none."""
    words = ended_with(by_words(ended, task))
    return f" {counted(len(ended), 'text is', 'texts are')} asked again {when}: {words}." if ended else ""


def of_source(source: str) -> str:
    """Return, as what follows on rows, which `source` they are of; "" where they are of all."""
    return f" of {source!r}" if source else ""


def _drawn_late(annotation: Annotation) -> str:
    """Return that rows had been picked as hard before these were drawn at random, if some had."""
    return f" Before, {taken(annotation.picked_before)}" if annotation.picked_before else ""


def measure_first(annotation: Annotation, card: DatasetCard, when: str = "first") -> str:
    """Return that a random sample for validation is to be drawn before rows are picked from the same texts; else "".

    It is to be drawn `when`: before these, or before more are.
    """
    if annotation.order == "random" or any(card.rows("validation", origin) for origin in REAL_TEXTS):
        return ""
    source = f", source={annotation.source!r}" if annotation.source else ""
    rest = "easier than the texts are, so that its figure flatters"
    if annotation.order == "typical":
        rest = "no fair sample of the texts, as it lacks the most typical ones"
    return (
        "There are no validation rows of real texts yet, and once these are labelled, a random sample of the rest is "
        f"{rest}. Draw it {when}: annotate_examples(task={annotation.task!r}, split='validation'{source}). "
    )


def labels_there(task: str, dataset: str, elsewhere: Mapping[str, int]) -> str:
    """Return the sentences on unlabelled rows of `dataset` that have a label `elsewhere`, and how these come here.

    That is in another version, or in an annotation that was begun and not ended.
    """
    from_version = f"import_examples(task={task!r}, split='train', dataset={dataset!r}, from_dataset={{!r}}) brings it"
    from_open = f"annotate_examples(task={task!r}, annotation={{!r}}, finish=true) ends that and brings it"
    said = [
        f"{counted(rows, 'row that has', 'rows that have')} a label in {other} {_are(rows)} not asked again: "
        f"{(from_open if kind_of(other) == KINDS['annotation'] else from_version).format(other)}. "
        for other, rows in elsewhere.items()
    ]
    return "".join(said)


def received(receipt: Receipt, refused: int, annotation: Annotation, task: Task) -> str:
    """Return what became of a call's answers, of which so many were `refused`, counted, and which others stay."""
    replaced = f" ({receipt.replaced} in place of a model's)" if receipt.replaced else ""
    parts = [f"{counted(receipt.new, 'answer')} kept{replaced}"]
    parts += [f"{receipt.repeated} had been answered before"] if receipt.repeated else []
    parts += [f"{receipt.late} came after the end"] if receipt.late else []
    parts += [f"{refused} refused"] if refused else []
    short = {row.row: row.id for row in annotation.rows}
    stay = [f"{short[row]} (row {row}) {receipt.answered[row].in_words(task)}" for row in receipt.otherwise]
    if not stay:
        return ", ".join(parts) + "."
    change = "edit_examples (relabel)" if receipt.is_closed else "edit_examples (relabel) once the annotation has ended"
    return (
        f"{', '.join(parts)}. Not taken: {counted(len(stay), 'text')} had another answer before, which "
        f"{'stays' if len(stay) == 1 else 'stay'}: {listed(stay, MOST_LISTED)}. To change that: {change}."
    )


def ended(
    annotation: Annotation,
    given: Mapping[str, Answer],
    added: int,
    known: Mapping[str, str],
    checked: tuple[Estimate, int] | None,
    audit: tuple[Estimate, int] | None,
    task: Task,
) -> str:
    """Return the sentences on an annotation at its end.

    `given` are the answers to rows of `task` that are no checks, and so many rows were `added` to the training rows.
    """
    labels = [answer for answer in given.values() if answer.key(task) is not None]
    others = [answer for answer in given.values() if answer.key(task) is None]
    unfit = sum(answer.fits_none(task) for answer in others)
    kinds = {
        "several candidates": sum(len(answer.labels) > 1 and not answer.unsure for answer in others),
        "no label that fits": unfit,
        "an unsure answer": sum(answer.unsure for answer in others),
    }
    left = [f"{rows} with {kind}" for kind, rows in kinds.items() if rows]
    labelled = len(labels)
    got = f"{'their labels' if task.multi_label else 'a label'} {_from(labels)}" if labels else "a label"
    rows = counted(labelled, "row")
    joins = f"{annotation.split.replace('train', 'training')} row"
    summary = f"{rows} got {got} and {f'is a {joins}' if labelled == 1 else f'are {joins}s'} now."
    if added < labelled:
        summary = (
            f"{rows} got {got}, and {added or 'none'} of them became {joins}s: another "
            "annotation or an edit gave the others labels meanwhile, or took them out."
        )
    if left:
        stay = "stays" if len(others) == 1 else "stay"
        summary += f" {', '.join(left)} {stay} unlabelled, and {_are(len(others))} not asked again."
    if unfit and annotation.order == "random":
        summary += f" Of random texts {_share((wilson(unfit, len(given)), len(given)))} fit no label."
    if checked:
        summary += f" The annotator agrees with the known label of {_share(checked)} check rows."
    else:
        summary += " How good the labels are is not known: " + (
            "no check row got a single label."
            if known
            else "the dataset has no labelled rows to check them by (those that a model labelled, or a report "
            "showed, are none)."
        )
    if audit:
        summary += (
            f" {annotation.model} agrees with the annotator on {_share(audit)} random rows of {annotation.pool}"
            f"{of_source(annotation.source)}, which is its accuracy on all of these, as far as the annotator is right"
            f"{_baseline(labels, audit[0], task)}.{_drawn_late(annotation)}"
        )
    return summary


def label_for_others(dataset: str, unfit: int) -> str:
    """Return how `unfit` rows of `dataset`, which fit no label, get one of their own; "" of few."""
    if unfit < LEAST_OTHER:
        return ""
    return (
        f"{unfit} rows of {dataset} fit no label (find_examples, mark='fits_none'). If they should have one: "
        "edit_examples with {'action': 'add_label', 'label': 'other'} and {'action': 'relabel', 'label': 'other', "
        "'rows': {'mark': 'fits_none'}}. "
    )


def _from(answers: Collection[Answer]) -> str:
    """Return who gave the `answers`, which all label a row."""
    persons = sum(answer.by == "person" for answer in answers)
    models = len(answers) - persons
    if persons and models:
        return f"({persons} from a person, {models} from a model)"
    return "from a person" if persons else "from a model"


def _baseline(answers: Sequence[Answer], audit: Estimate, task: Task) -> str:
    """Return what always giving the most frequent label would agree on, where that is not far below the `audit`."""
    most, rows = Counter(answer.key(task) for answer in answers).most_common(1)[0]
    share = rows / len(answers)
    if share < audit.value - NOT_FAR:
        return ""
    return f"; always answering {key_in_words(most or '')!r} would agree on {share:.0%}"


def _share(found: tuple[Estimate, int]) -> str:
    share, rows = found
    return f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%}) of {rows}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def after_labels(workspace: Workspace, task: Task, dataset: str | None, given: Mapping[str, Answer]) -> str:
    """Return what to do after the answers `given`: rows joined the new `dataset`, or, if it is None, none did."""
    if dataset:
        return next_training(workspace, task, dataset)
    if any(answer.key(task) is not None for answer in given.values()):
        return f"The newest dataset has other labels for these rows: train_classifier(task={task.slug!r})."
    return "No row got a single label: look at what the labels mean, or take other rows."


def of_dataset(
    workspace: Workspace, annotation: Annotation, dataset: Artifact, given: Mapping[str, Answer], joined: int
) -> str:
    """Return what is to be told of the `dataset` that so many rows `joined`, by the answers `given`; "" of nothing.

    That is where other versions stand beside it, queries that two splits share now, and how a person's rows count.
    """
    told = told_beside(workspace, dataset)
    if dataset.parent and (shared := newly_shared(workspace, dataset.parent, dataset.id)):
        told += f" {shared}"
    if joined and any(answer.by == "model" for answer in given.values()):
        told += counted_by_person(annotation, read_card(workspace, dataset.id))
    return told


def counted_by_person(annotation: Annotation, card: DatasetCard) -> str:
    """Return that no figure will count labels by a model, where validation rows are labelled and `card` has enough.

    "" where these count.
    """
    real = card.rows("validation", "real")
    if annotation.split != "validation" or not counts_real_alone(real):
        return ""
    return (
        f" {real} real validation rows are there, so that only labels by a person count for figures and shares "
        "(decided_by='person'): labels by a model are kept and do not count."
    )


def answer_with(annotation: Annotation, id_: str) -> str:
    """Return how the texts of the annotation `id_` are answered, as a sentence with its call."""
    return (
        f"Label these texts and call annotate_examples(task={annotation.task!r}, annotation={id_!r}, "
        "labels={id: [label]}, fits_none=[...], unsure=[...]); its answer holds the next texts."
    )
