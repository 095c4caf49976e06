"""The verb `import_examples`: bring in rows that exist already, from a file, a dataset or the call itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import USUAL_DIVISION, Division, Origin, Split
from classwright_tools.domain.excerpt import Excerpts
from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import Noun, Slug, ToolRequest, ToolResult
from classwright_tools.domain.source import GivenSource
from classwright_tools.domain.uris import file_uri
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import QUICKER_THAN_ENCODING, Sizes, Work, computing, shown_bytes

if TYPE_CHECKING:
    from classwright_tools.curation.arrivals import Arrivals
    from classwright_tools.curation.comparison import RowComparison
    from classwright_tools.domain.task import Task
    from classwright_tools.workspace.destination import Destination
    from classwright_tools.workspace.workspace import Artifact, Workspace


class ImportExamplesRequest(ToolRequest, GivenSource):
    """Where the rows are and what they are for."""

    task: Slug
    split: Split | Division = Field(
        description="'train', 'validation' (to choose by), 'test' (the final figure) or 'unlabelled' (tells label "
        f"shares); or parts, to divide the source: {USUAL_DIVISION}."
    )
    dataset: DatasetId | None = Field(default=None, description="To add to. Default: the newest, or a new one.")
    new_dataset: bool = Field(default=False, description="Begin a new dataset.")
    keep_near_duplicates: bool = Field(default=False, description="Rows that nearly repeat others.")
    written: bool = Field(default=False, description="A language model wrote the texts: never real.")

    @model_validator(mode="before")
    @classmethod
    def _without_half(cls, fields: Any) -> Any:
        """Leave out the `half` that stored jobs of an earlier form hold."""
        if not isinstance(fields, dict) or "half" not in fields:
            return fields
        if fields["half"] is not None:
            raise ValueError("`half` is no more: divide the source by `split`, such as {'validation': 1, 'test': 1}")
        return {name: value for name, value in fields.items() if name != "half"}


class SkippedRow(Noun):
    """A row that was not imported: where it stood in the source, and why."""

    row: int = Field(ge=1, description="Its number in the source, from 1.")
    text: str = Field(description="Its text, shortened to 200 characters; empty where it is or repeats a test row.")
    reason: str


class ImportExamplesResult(ToolResult):
    """What was imported and what was skipped."""

    dataset: DatasetId | None = Field(description="None if no row could be imported.")
    read: int = Field(ge=0, description="Rows of the source.")
    imported: int = Field(ge=0)
    splits: dict[Split, int] = Field(default_factory=dict, description="Imported rows by split.")
    labels: dict[str, int] = Field(description="Imported rows by label.")
    skipped: dict[str, int] = Field(description="By reason.")
    dropped: dict[str, int] = Field(
        default_factory=dict,
        description="Rows of other splits that repeat imported ones, by split: a text stays in the first of test, "
        "validation, train and unlabelled.",
    )
    shared_queries: int = Field(
        default=0, ge=0, description="Imported pairs whose query another labelled split has, with another item."
    )
    origins: dict[Origin, int] = Field(default_factory=dict, description="Imported rows that are not real, by origin.")
    cut: int = Field(default=0, ge=0, description="Imported rows longer than the server's encoder reads.")
    examples: tuple[SkippedRow, ...] = Field(default=(), description="The first of each reason.")


# Beside the dataset: the numbers of all skipped rows, and which rows of its parent went, each with what it repeats.
SKIPPED, DROPPED = "skipped.json", "dropped.json"


def import_examples(request: ImportExamplesRequest, context: ToolContext) -> ImportExamplesResult:
    """Import rows into a split of the task's dataset.

    Texts are cleaned; what cannot be used is skipped and counted. No text, nor nearly the same text, gets into two
    splits: test rows go before validation rows, and these before training rows. Texts wait on the disk, not in memory.
    A row that was made by a tool, as its source or this workspace knows, keeps its origin; with `written` no other row
    counts as real. Nothing that stands in a test row is told.

    Raises:
        InvalidInput: not exactly one source is given, it cannot be read, it lacks a column, or none of its labels fits.
        NotFound: the task, the dataset, the file or the hub dataset does not exist.
        StorageFailed: the disk is full; nothing was changed.
    """
    destination = _destination(request, context)

    def attempt(parent: str | None) -> ImportExamplesResult:
        return _imported(request, context, parent, on_newest=destination.on_newest)

    return destination.append(context.workspace, attempt, context.progress)


def _imported(
    request: ImportExamplesRequest, context: ToolContext, parent: str | None, *, on_newest: bool
) -> ImportExamplesResult:
    """Import the rows into a new version of the dataset `parent`.

    Raises:
        Overtaken: with `on_newest`, `parent` was not the newest any more when the rows were stored.
    """
    from classwright_tools.curation.arrivals import Arrivals
    from classwright_tools.curation.chosen_source import refuse_unusable
    from classwright_tools.curation.comparison import RowComparison
    from classwright_tools.curation.first_labels import refuse_without_labels
    from classwright_tools.curation.incoming import incoming
    from classwright_tools.curation.joining import Joining
    from classwright_tools.curation.kept_source import SourceCopy, joined_sources
    from classwright_tools.curation.left_behind import labels_left_behind
    from classwright_tools.curation.origins import Origins
    from classwright_tools.curation.row_sources import IMPORT
    from classwright_tools.curation.rows_language import languages_of_rows
    from classwright_tools.curation.spool import contents_in, spool_folder
    from classwright_tools.domain.rating import labels_are_steps
    from classwright_tools.measurement.import_remarks import (
        cut_rows,
        empty_remark,
        left_out_remark,
        mail_parts_remark,
        resent_rows,
        respelled_remark,
        split_shares_remark,
        stayed_remark,
    )
    from classwright_tools.workspace.datasets import save_dataset
    from classwright_tools.workspace.destination import told_beside
    from classwright_tools.workspace.written_rows import WrittenRows

    workspace = context.workspace
    task = workspace.task(request.task)
    refuse_without_labels(request, request.split, task, context)
    beside = request.from_dataset if parent else None
    splits: tuple[Split, ...] = (request.split,) if isinstance(request.split, str) else tuple(request.split)
    source, labels, position, removed, edits, edits_remark = incoming(request, request.split, task, parent, context)
    origins = Origins(WrittenRows(workspace, task.slug), task, written=request.written)
    with spool_folder(workspace.root) as folder:
        copy = SourceCopy(folder, source, request.name) if labels is None and source.texts else None
        rows = copy.rows() if copy else source.rows
        arrivals = Arrivals(rows, labels, task.kind, removed=removed, unseen="test" in splits)
        comparison = RowComparison(folder, splits, task.kind, keep_near=request.keep_near_duplicates)
        division = None if isinstance(request.split, str) else request.split
        joining = Joining(comparison, parent, context)
        stayed = joining.compare(arrivals, division, position)
        refuse_unusable(request, arrivals, task)
        dropped = joining.finish(arrivals.skipped)
        shared = comparison.shared_queries() if task.kind == "pair" else 0
        cut, cut_remark = cut_rows(comparison, context)
        language = languages_of_rows(task, contents_in(comparison.arrivals()), comparison.imported).remark
        resent = ""
        # Else such rows are skipped, as they repeat others.
        if (request.new_dataset or request.keep_near_duplicates) and not request.written:
            resent = resent_rows(request, comparison, workspace, task.slug)
        saved = None
        if comparison.imported or (beside and edits):
            changed: set[Split] = {*splits, *dropped}
            files = copy.kept()[1] if copy else {}
            others = request.from_dataset if labels is None else None
            again = bool(request.path or request.hub)
            saved = save_dataset(
                workspace,
                task.slug,
                {},
                tables={split: joining.tables_of(split, origins) for split in changed},
                parent=parent,
                on_newest=on_newest,
                run_key=context.run_key,
                made_by=IMPORT,
                imported=request.name,
                refused=arrivals.skipped.counts,
                edits=edits,
                files=files
                | ({SKIPPED: arrivals.skipped.places} if arrivals.skipped.counts else {})
                | ({DROPPED: comparison.dropped_as_json} if dropped else {}),
                sources=joined_sources(workspace, (parent, others), copy, again=again),
            )
    result = _result(task, arrivals, comparison, dropped, shared, saved, workspace)
    shifted = split_shares_remark(workspace, saved.id, splits) if saved else ""
    origins_remark = f"{origins.remark(comparison.imported)} {resent}".strip()
    stays = stayed_remark(stayed, task.kind, parent)
    large = copy.remark if copy else ""
    edited = edits_remark if saved or beside else ""
    rated = labels_are_steps(task) if saved and labels and parent is None else ""
    spelled = "" if arrivals.skipped.unseen else respelled_remark(arrivals.respelled)
    behind = labels_left_behind(workspace, saved) if saved and request.new_dataset else ""
    apart = told_beside(workspace, saved, beside).strip() if saved else ""
    unknown = arrivals.unknown
    contradicting = comparison.contradictions
    labelled = (result.summary, language, contradicting.remark(), unknown.remark(), spelled)
    told = (*labelled, behind, stays, source.remark, large, edited, apart, origins_remark)
    meant = unknown.next_step(request.label_names, result.dataset)
    empty = empty_remark(request, arrivals.empty, comparison.imported, arrivals.skipped.counts["no label"])
    columns = "" if labels is None else left_out_remark(request, arrivals.columns, arrivals.texts)
    remarks = (*told, empty, columns, cut_remark, mail_parts_remark(arrivals.with_mail_parts), shifted, rated)
    return result.model_copy(
        update={
            "summary": " ".join(filter(None, remarks)),
            "next_step": " ".join(filter(None, (meant, contradicting.next_step(), result.next_step))),
            "origins": dict(origins.not_real),
            "cut": cut,
        }
    )


def _destination(request: ImportExamplesRequest, context: ToolContext) -> Destination:
    """Return where the rows go, which for a run that is repeated is what they were added to then."""
    from classwright_tools.workspace.destination import Destination, chosen_destination

    workspace = context.workspace
    made = workspace.made_by(context.run_key, "dataset")
    if made:
        return Destination(request.task, made.parent)
    named, new = request.dataset, request.new_dataset
    return chosen_destination(workspace, request.task, dataset=named, new_dataset=new, verb="import_examples")


def _result(
    task: Task,
    arrivals: Arrivals,
    comparison: RowComparison,
    dropped: Mapping[Split, int],
    shared: int,
    saved: Artifact | None,
    workspace: Workspace,
) -> ImportExamplesResult:
    from classwright_tools.curation.label_counts import label_counts
    from classwright_tools.measurement.import_remarks import counts_remark, import_next_step

    skipped = arrivals.skipped
    dataset = saved.id if saved else None
    excerpts = Excerpts(file_uri(dataset, SKIPPED) if dataset else "")
    excerpts.note("examples", len(skipped.examples), skipped.counts.total())
    return ImportExamplesResult(
        summary=counts_remark(comparison, arrivals.read, skipped.counts, dropped, shared, dataset),
        next_step=import_next_step(task, tuple(comparison.labels), dataset, workspace),
        dataset=dataset,
        read=arrivals.read,
        imported=comparison.imported,
        splits={split: labels.total() for split, labels in comparison.labels.items()},
        labels=label_counts(comparison.labels_in_all).by_label,
        skipped=dict(skipped.counts),
        dropped=dict(dropped),
        shared_queries=shared,
        examples=tuple(SkippedRow(row=skip.number, text=skip.text, reason=skip.reason) for skip in skipped.examples),
        shown_in_part=excerpts.parts,
    )


def _work(request: ImportExamplesRequest, sizes: Sizes) -> Work:
    """Rows of the call and small files are short; what is fetched, or large, does not hold the others up."""
    given = len((request.csv or "").encode()) + shown_bytes(str(row) for row in request.rows)
    size = sizes.imported(request.path) if request.path else given
    is_large = computing(size // QUICKER_THAN_ENCODING).lane == "long"
    return Work("writing" if is_large or request.hub else "short", size)


TOOL = ToolSpec(
    run=import_examples,
    request=ImportExamplesRequest,
    result=ImportExamplesResult,
    work=_work,
    multi_label=True,
    before_labels=True,
    makes=("dataset",),
    text=ToolText(
        title="Import examples",
        description=(
            "Bring in rows that exist: of the call, from a file or folder inside the import folders, or from the "
            "hub. Says what it skipped."
        ),
        outward=True,
    ),
)
