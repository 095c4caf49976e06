"""The remarks on an import: rows that are read in part or come again, labels of other shares, and what to do next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from classwright_tools.context import ToolContext
from classwright_tools.curation.comparison import RowComparison
from classwright_tools.curation.label_counts import label_counts
from classwright_tools.curation.queries import shared_remark
from classwright_tools.curation.resent import resent_remark
from classwright_tools.curation.spool import contents_in
from classwright_tools.domain.cards import DatasetCard
from classwright_tools.domain.cleaning import as_name
from classwright_tools.domain.example import HELD_OUT, USUAL_DIVISION, Split
from classwright_tools.domain.excerpt import counted, listed
from classwright_tools.domain.source import GivenSource
from classwright_tools.domain.task import Task, TaskKind
from classwright_tools.learning.reading_limits import limit_at_hand
from classwright_tools.measurement.label_shares import counts_by_split, label_shifts, shifts_remark
from classwright_tools.measurement.next_training import next_training
from classwright_tools.reading.rows import ONE_LABEL, ORIGIN_COLUMNS, SEVERAL_LABELS
from classwright_tools.workspace.datasets import read_card
from classwright_tools.workspace.in_use import model_in_use
from classwright_tools.workspace.workspace import Workspace

MAIL_ROWS_TOLD, DROPPED_TOLD = 3, 3
REASONS_LISTED, RESPELLED_LISTED, COLUMNS_LISTED = 5, 3, 6
USES: dict[Split, str] = {"validation": "to choose by", "test": "for the final figure"}
DIVIDED = f"import these anew with new_dataset=true and split={USUAL_DIVISION}"
NEAR = "near-duplicate"
KEPT_NEAR = "Pass keep_near_duplicates=true if the little that differs, such as a size, is the point."


def respelled_remark(respelled: Mapping[str, str]) -> str:
    """Return the sentence on labels that a source spells otherwise than the task, if it does."""
    named = listed((f"{as_name(name)} is {label!r}" for name, label in respelled.items()), RESPELLED_LISTED)
    return f"Some labels are spelled otherwise in the source: {named}." if respelled else ""


def empty_remark(given: GivenSource, empty: int, imported: int, skipped: int) -> str:
    """Return the sentence on empty cells of labels, where they are those of most rows, or were `skipped`."""
    if given.empty == "unlabelled" and skipped:
        return (
            f"{counted(skipped, 'row has', 'rows have')} no label: the same source as split='unlabelled' brings these "
            "in too, for rows that are there already are skipped."
        )
    if 2 * empty <= imported:
        return ""
    return (
        f"{empty:,} of these rows have an empty cell, which says that none of the labels applies. Ask the person: if "
        "nobody has looked at them yet, import anew with new_dataset=true, empty='unlabelled'."
    )


def left_out_remark(given: GivenSource, columns: Sequence[str], texts: Sequence[str]) -> str:
    """Return the sentence on `columns` of a source that are not kept, and how a file comes back with all of them."""
    read = {*texts, given.text_column, given.label_column, ONE_LABEL, SEVERAL_LABELS, *ORIGIN_COLUMNS}
    others = [as_name(name) for name in columns if name not in read]
    if not others:
        return ""
    return (
        f"Not kept: {'column' if len(others) == 1 else 'columns'} {listed(others, COLUMNS_LISTED)}. Of a file that is "
        "imported as 'unlabelled' classify gives all columns back, with labels; `classwright classify` of any file."
    )


def mail_parts_remark(rows: int) -> str:
    """Return the sentence on so many rows with a quoted reply or a signature, if they are more than a few."""
    if rows < MAIL_ROWS_TOLD:
        return ""
    return (
        f"{rows:,} texts hold a quoted reply (lines that begin with >) or a signature (below a line of dashes), which "
        "a model reads as part of them: take these out of the source if they say nothing of the label."
    )


def cut_rows(comparison: RowComparison, context: ToolContext) -> tuple[int, str]:
    """Return how many imported rows the server's encoder reads only in part, and the sentence that says so.

    An encoder that is not on this machine is not waited for: its first training tells then.
    """
    limit = limit_at_hand(context.encoder)
    if limit is None:
        return 0, ""
    context.progress(None, "looking for rows that are longer than the encoder reads")
    long = (batch.filter(limit.may_be_cut(batch.column("content"))) for batch in comparison.arrivals())
    cut = limit.cut(contents_in(long))
    return cut, limit.remark(cut, comparison.imported)


def stayed_remark(stayed: Counter[Split], kind: TaskKind, dataset: str | None) -> str:
    """Return the sentence on how many rows of a divided source went, by split, where `dataset` has their texts."""
    if not stayed.total():
        return ""
    by_split = ", ".join(f"{rows} {split}" for split, rows in stayed.items())
    known = "text" if kind == "text" else "query"
    return (
        f"{counted(stayed.total(), 'row of the source has', 'rows of the source have')} a {known} that {dataset} has, "
        f"and {'stays' if stayed.total() == 1 else 'stay'} in its split ({by_split}); "
        "only the others were divided anew. Pass new_dataset=true to divide all."
    )


def resent_rows(given: GivenSource, comparison: RowComparison, workspace: Workspace, task: str) -> str:
    """Return the sentence on rows of the call that are written ones with a changed text."""
    if not given.rows:
        return ""
    newest = workspace.latest("dataset", task)
    return resent_remark(workspace, newest.id if newest else None, contents_in(comparison.arrivals()))


def split_shares_remark(workspace: Workspace, dataset: str, splits: Sequence[Split]) -> str:
    """Return what is to say of labels whose share is another in an imported split than in others of the new dataset."""
    counts = counts_by_split(read_card(workspace, dataset))
    return shifts_remark(tuple(dict.fromkeys(shift for split in splits for shift in label_shifts(counts, split))))


def counts_remark(
    comparison: RowComparison,
    read: int,
    skipped: Mapping[str, int],
    dropped: Mapping[Split, int],
    shared: int,
    dataset: str | None,
) -> str:
    """Return the sentences that count the rows `read`: those imported, those `skipped`, and those that others drop.

    `shared` of those imported have a query that another split has too.
    """
    by_split = comparison.labels
    counts = label_counts(comparison.labels_in_all)
    as_splits = listed((f"{rows.total()} {split}" for split, rows in by_split.items()), len(by_split))
    only = next(iter(by_split)) if len(by_split) == 1 else None
    were = "was" if comparison.imported == 1 else "were"
    said = f"{comparison.imported} of {counted(read, 'row')} {were} imported " + (
        f"as {only}" if only else f"({as_splits})"
    )
    said += (f" into {dataset}." if dataset else ".") + counts.remark
    if not only and counts.by_label:
        rarest = min(counts.by_label, key=lambda name: counts.by_label[name])
        rows = (f"{label_counts(labels).by_label.get(rarest, 0)} {split}" for split, labels in by_split.items())
        said += f" Of {rarest!r}, the rarest label: {listed(rows, len(by_split))}."
    if skipped:
        said += (
            f" Skipped: {listed((f'{n} {reason}' for reason, n in Counter(skipped).most_common()), REASONS_LISTED)}."
        )
    if NEAR in skipped:
        said += f" {KEPT_NEAR}"
    if dropped:
        gone = ", ".join(f"{rows} {split}" for split, rows in dropped.items())
        were = "row" if sum(dropped.values()) == 1 else "rows"
        first = (
            f"{one['split']} row {one['example']} {one['repeats']}" for one in comparison.dropped_told(DROPPED_TOLD)
        )
        said += (
            f" Dropped from the new version, repeating imported rows: {gone} {were}, such as {'; '.join(first)}. "
            "The dataset's file dropped.json names all."
        )
    if shared:
        said += f" {shared_remark(shared)} Divided by `split`, a file keeps a query's pairs together."
    return said


def import_next_step(task: Task, splits: Sequence[Split], dataset: str | None, workspace: Workspace) -> str:
    """Return the call that is usually right after an import into `splits`, and before it what `dataset` still lacks."""
    if dataset is None:
        return "Nothing is new: see `skipped` and `examples` for the reasons."
    if "unlabelled" in splits:
        return _with_unlabelled(task, dataset, workspace)
    card = read_card(workspace, dataset)
    lacking = [split for split in HELD_OUT if not card.rows(split)]
    if not card.rows("train"):
        then = f"Then evaluate with dataset {dataset!r} and split {_measured(card, splits)!r}."
        if task.kind == "pair":
            return f"There are no training rows yet: import some as train. If you have no others, {DIVIDED}. {then}"
        return f"There are no training rows yet: call synthesize_examples, or import some as train. {then}"
    lack = ""
    if lacking and "train" in splits:
        uses = " and ".join(f"no {split} rows {USES[split]}" for split in lacking)
        lack = f"There are {uses}: import some before you train. If you have no others, {DIVIDED}. "
        if card.parent or any(one.origin == "written" for one in card.counts):  # it would leave rows, or test on these
            lack = f"There are {uses}: import real ones before you train. "
        if held := _held_out_elsewhere(workspace, task, lacking):
            lack = f"There are {uses} here: {held}, before you train. "
    if "train" in splits:
        training = next_training(workspace, task, dataset)
        if "train_classifier" not in training:
            return f"{lack}{training}"
        begin = f"Else {training[0].lower()}" if lack else training[0]
        written = "rows" if task.kind == "text" else "mismatches" if task.mismatch else ""
        return f"{lack}{begin}{training[1:]}{f' Or synthesize_examples to add written {written}.' if written else ''}"
    measured = _measured(card, splits)
    return f"Call evaluate with dataset {dataset!r} and split {measured!r} once train_classifier has made a model."


def _held_out_elsewhere(workspace: Workspace, task: Task, lacking: Sequence[Split]) -> str:
    """Return the calls that bring the rows of `lacking` splits from the newest other dataset with some; "" of none."""
    for one in workspace.artifacts(task.slug, "dataset"):
        card = read_card(workspace, one.id)
        if there := [split for split in lacking if card.rows(split)]:
            calls = (
                f"import_examples(task={task.slug!r}, split={split!r}, from_dataset={one.id!r}) brings its "
                f"{counted(card.rows(split), f'{split} row')}"
                for split in there
            )
            return listed(calls, len(there))
    return ""


def _measured(card: DatasetCard, splits: Sequence[Split]) -> Split:
    """Return the split that a model is measured on first: test rows, of the imported `splits`, are for the end."""
    return "validation" if card.rows("validation") else splits[0]


def _with_unlabelled(task: Task, dataset: str, workspace: Workspace) -> str:
    """Return the call after an import of rows without labels, which a model that is there answers at once."""
    if task.labels and (found := model_in_use(workspace, task.slug)):
        call = f"classify(model={found.model.id!r}, dataset={dataset!r})"
        answer = f"To have these rows answered: {call}, by {found.in_words}. To learn: "
        return answer + _without_model(task, dataset, workspace)
    return _without_model(task, dataset, workspace)


def _without_model(task: Task, dataset: str, workspace: Workspace) -> str:
    if not task.labels:
        return (
            f"Call find_examples(task={task.slug!r}, groups=0), which groups these texts by meaning, to agree with the "
            "person what kinds there are. Then name them as `labels`: propose_topics."
        )
    if task.multi_label:
        return (
            f"Call annotate_examples with dataset {dataset!r}, which gets labels for the most telling of these texts, "
            "or synthesize_examples."
        )
    training = next_training(workspace, task, dataset)
    if "train_classifier" not in training:
        return training
    if task.kind == "pair":
        named = "" if task.mismatch else f"{task.naming_mismatch}, then "
        return (
            f"Call annotate_examples with dataset {dataset!r}, which gets labels for the most telling of these pairs. "
            f"Or, if nearly all of them belong together, such as purchases: {named}train_classifier("
            f"task={task.slug!r}, dataset={dataset!r}, unlabelled_as=the label of pairs that do)."
        )
    return f"{training} It tells the labels' shares from these texts and real validation rows."
