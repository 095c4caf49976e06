"""The verb `find_examples`: rows of a dataset by what they are and by what they mean, and what it holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import SPLITS, Origin, Split
from classwright_tools.domain.excerpt import ANSWER_BYTES, Excerpts, counted
from classwright_tools.domain.found_row import FoundRow
from classwright_tools.domain.kinds import DatasetId, task_of
from classwright_tools.domain.label_sets import labels_in_words
from classwright_tools.domain.noun import Picture, Slug, ToolRequest, ToolResult
from classwright_tools.domain.selection import RowFilter, RowSearch, check_doubt
from classwright_tools.domain.task_line import Event, TaskLine
from classwright_tools.domain.text_group import TextGroup
from classwright_tools.domain.uris import artifact_uri
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import Sizes, Work

if TYPE_CHECKING:
    from classwright_tools.domain.task import Task
    from classwright_tools.measurement.selecting import Selected
    from classwright_tools.workspace.workspace import Workspace

MOST_ROWS = 100  # a page
MOST_GROUPS = 500  # as many as a task may have labels
GROUPS_WORDS = 750  # bytes that the summary of groups and the next step take of an answer
COUNTS_BYTES = 2_000  # of an answer: the counts of labels, and those of changes
JOB_BYTES = 1_700  # of an answer: the job around the result, the next step, and what is said of parts


class FindExamplesRequest(ToolRequest, RowSearch):
    """Which rows: without a condition all but those of the test split."""

    task: Slug | None = Field(default=None, description="Left out: which there are.")
    history: bool = Field(default=False, description="What happened, in place of rows.")
    dataset: DatasetId | None = Field(default=None, description="Default: the newest.")
    compare_to: DatasetId | None = Field(
        default=None, description="An earlier version: what changed since, in rows of `where`."
    )
    shuffled: bool = Field(default=False, description="In random order.")
    offset: int = Field(default=0, ge=0, le=10**9, description="By `next_offset`.")
    limit: int = Field(default=20, ge=0, le=MOST_ROWS, description="0: counts, by source.")
    groups: int | None = Field(
        default=None,
        ge=0,
        le=MOST_GROUPS,
        description="All found in so many groups by meaning; 0: as many as the rows suggest.",
    )
    picture: bool = Field(default=False, description="A map of all found.")

    @model_validator(mode="after")
    def _rows_of_a_task(self) -> FindExamplesRequest:
        of_rows = FindExamplesRequest.model_fields.keys() - {"task", "history", "offset", "limit"}
        besides = self.model_fields_set & of_rows  # a call may say besides how long it waits
        if besides and (self.task is None or self.history):
            named = " and ".join(f"`{name}`" for name in sorted(besides))
            raise ValueError(
                f"{named} {'is' if len(besides) == 1 else 'are'} of rows: pass `task`, and no `history`. Without "
                "`task` the answer names the tasks that there are"
            )
        return self

    @model_validator(mode="after")
    def _one_order(self) -> FindExamplesRequest:
        if self.shuffled and self.is_computed:
            raise ValueError("leave `shuffled` out: the most doubtful rows, or the nearest, come first")
        if self.compare_to and (self.is_picked or self.picture or self.groups is not None):
            raise ValueError("pass `compare_to` with `where` alone")
        return self


class FindExamplesResult(ToolResult):
    """A page of rows, and what all that were found hold; or what there is, and what happened."""

    dataset: DatasetId | None = Field(default=None, description="None where no rows were looked for.")
    total: int = Field(default=0, ge=0, description="Rows that were found.")
    changes: dict[str, int] = Field(
        default_factory=dict, description="Rows by what became of them since the version that is compared to."
    )
    rows: tuple[FoundRow, ...] = ()
    groups: tuple[TextGroup, ...] = ()
    next_offset: int | None = Field(default=None, description="None: no more.")
    labels: dict[str, int] = Field(default_factory=dict)
    none: int = Field(default=0, ge=0, description="Rows of which none of the labels applies.")
    splits: dict[Split, dict[Origin, int]] = Field(default_factory=dict)
    rounds: dict[int, int] = Field(default_factory=dict)
    sources: dict[str, int] = Field(default_factory=dict, description="With limit=0: by file or import.")
    characters: dict[str, int] = Field(default_factory=dict, description="Of a text, quantiles.")
    picture: Picture | None = None
    tasks: tuple[TaskLine, ...] = ()
    history: tuple[Event, ...] = Field(default=(), description="The newest first.")


def find_examples(request: FindExamplesRequest, context: ToolContext) -> FindExamplesResult:
    """Find rows of a dataset, and count what they hold; or tell what tasks there are, and what happened.

    Test rows are found only by name, in `where.splits` or `ids`: whoever writes training texts should not read them.

    Raises:
        NotFound: there is no such task, dataset or label.
        InvalidInput: an id, a topic, a subtopic, a source type or a contrast is that of no row; or doubt of a label or
            a map is asked for where rows have several.
        DamagedArtifact: the dataset does not read back.
    """
    from classwright_tools.curation.row_counts import row_counts
    from classwright_tools.curation.row_sources import row_sources
    from classwright_tools.learning.reading_languages import NEAREST
    from classwright_tools.measurement.found_in_words import doubt_in_words, found_in_words, left_out_of_test
    from classwright_tools.measurement.row_page import bytes_of, row_page
    from classwright_tools.measurement.selecting import unread_remark_of

    workspace = context.workspace
    if request.task is None or request.history:
        return _told(request, workspace)
    workspace.task(request.task)  # one that is not there is told with the nearest
    dataset = workspace.resolve(request.dataset, "dataset", request.task).id
    found, changes, unseen = _found(request, context, dataset)
    if request.shuffled:
        found = found.shuffled(context.seed)
    counts = row_counts(found.table)
    excerpts = Excerpts(artifact_uri(dataset))
    sources = {} if request.limit else row_sources(workspace, dataset).counts(found.ids)
    shown = {}
    for name, own in {"labels": counts.labels, "changes": changes, "sources": sources}.items():
        shown[name] = _first(own, COUNTS_BYTES)
        excerpts.note(name, len(shown[name]), len(own))
    none = {labels_in_words(()): counts.none} if counts.none else {}
    bare = FindExamplesResult(
        summary=found_in_words(found, request.compare_to, changes, none | counts.labels, sources)
        + left_out_of_test(unseen, compared=request.compare_to is not None)
        + doubt_in_words(request.doubt, len(found))
        + _people(request, context, dataset)
        + (unread_remark_of(context, found, NEAREST) if request.like else ""),
        next_step="",
        dataset=dataset,
        total=len(found),
        rows=(),
        next_offset=None,
        none=counts.none,
        splits=counts.splits,
        rounds=counts.rounds,
        characters=counts.characters,
        **shown,
    )
    left = ANSWER_BYTES - JOB_BYTES - bytes_of(bare)
    drawn, undrawn = _picture(found, request, context) if request.picture else (None, "")
    if request.groups is not None:
        grouped = _grouped(request, found, context, bare, left - GROUPS_WORDS)
        update = {"summary": f"{grouped.summary}{left_out_of_test(unseen)}{undrawn}", "picture": drawn}
        return grouped.model_copy(update=update)
    rows = row_page(found, request.offset, request.limit, left, excerpts)
    end = request.offset + len(rows)
    more = end if end < len(found) and request.limit else None
    return bare.model_copy(
        update={
            "summary": f"{bare.summary}{_shown_in_part(excerpts)}{undrawn}",
            "next_step": _next_step(dataset, more, excerpts),
            "rows": rows,
            "next_offset": more,
            "shown_in_part": excerpts.parts,
            "picture": drawn,
        }
    )


def _told(request: FindExamplesRequest, workspace: Workspace) -> FindExamplesResult:
    """Return what there is, or what happened in a task."""
    from classwright_tools.chronicle.answers import all_tasks, one_task

    page = (request.offset, request.limit, ANSWER_BYTES - JOB_BYTES)
    told = one_task(workspace, request.task, *page) if request.task else all_tasks(workspace, *page)
    found = told._asdict()
    return FindExamplesResult(shown_in_part=found.pop("parts"), **found)


def _found(request: FindExamplesRequest, context: ToolContext, dataset: str) -> tuple[Selected, dict[str, int], int]:
    """Return the rows that are looked for, how many changed in which way where versions are compared, and the number
    of test rows that are left out."""
    from classwright_tools.measurement.selecting import changed, select
    from classwright_tools.workspace.datasets import read_card

    if request.compare_to is None:
        by_name = request.ids or (request.where and request.where.splits)
        unseen = 0 if by_name else read_card(context.workspace, dataset).rows("test")
        return select(context, dataset, request), {}, unseen
    earlier = context.workspace.resolve(request.compare_to, "dataset", task_of(dataset)).id
    return changed(context, dataset, earlier, request.where or RowFilter())


def _picture(found: Selected, request: FindExamplesRequest, context: ToolContext) -> tuple[str | None, str]:
    """Return the map; where there can be none, why not: the rows are shown all the same."""
    from classwright_tools.measurement.row_map import picture_of_rows

    try:
        return picture_of_rows(context, found, request.model), ""
    except NotEnoughData as error:
        return None, f" There is no map of them: {error.reason}."


def _grouped(
    request: FindExamplesRequest, found: Selected, context: ToolContext, bare: FindExamplesResult, max_bytes: int
) -> FindExamplesResult:
    """Return the result `bare` with the found rows in groups, from `request.offset` on, in `max_bytes`."""
    from classwright_tools.measurement.selecting import unread_remark_of
    from classwright_tools.measurement.text_groups import after_groups, groups_in_words, groups_of_rows, shown_groups

    task = context.workspace.task(task_of(found.dataset))
    then = "Groups may then be of one language, or of one form, and not of one subject."
    unread = unread_remark_of(context, found, then)
    every, rows = groups_of_rows(context, found, request.groups or None, task.languages)
    shown = shown_groups(every[request.offset :], max_bytes - len(unread.encode()))
    end = request.offset + len(shown)
    more = end if end < len(every) else None
    return bare.model_copy(
        update={
            "summary": f"{groups_in_words(found, every, rows)}{unread}",
            "next_step": after_groups(task, found.dataset, len(every), more),
            "groups": tuple(shown),
            "next_offset": more,
        }
    )


def _first(counts: dict[str, int], max_bytes: int) -> dict[str, int]:
    """Return the first of `counts` whose JSON fits into `max_bytes`."""
    kept = dict(counts)
    while len(json.dumps(kept).encode()) > max_bytes:
        kept.popitem()
    return kept


def _people(request: FindExamplesRequest, context: ToolContext, dataset: str) -> str:
    """Return how far persons agree where the rows of one are looked for, or those about which they differ."""
    if request.mark != "disputed" and not (request.where and request.where.decided_by):
        return ""
    from classwright_tools.review.people import people_of

    return " ".join(("", *filter(None, [people_of(context.workspace, dataset)])))


def _shown_in_part(excerpts: Excerpts) -> str:
    """Return the sentence on a page that was asked for and does not fit into an answer; else nothing."""
    page = excerpts.parts.get("rows")
    return f" {page.shown} of {counted(page.total, 'row')} fit into this answer." if page else ""


def _next_step(dataset: str, more: int | None, excerpts: Excerpts) -> str:
    """Return the calls that are usually right after."""
    steps = [
        f"More rows: the same call with dataset={dataset!r}, offset={more}." if more else "",
        "A text is whole where its id alone is asked for."
        if any("characters" in cut for cut in excerpts.parts)
        else "",
        "Others like a row: like={'row': its id}. To put rows right: edit_examples, by ids or the same conditions.",
    ]
    return " ".join(filter(None, steps))


def _check(request: FindExamplesRequest, task: Task) -> None:
    """Raise an `InvalidInput` if labels are doubted where there are none, or pairs are to be grouped."""
    check_doubt(request, task)
    if request.groups is not None and task.kind == "pair":
        reason = f"are of single texts, and the rows of task {task.slug!r} are pairs"
        raise InvalidInput("groups", reason, "Leave `groups` out.")


def _work(request: FindExamplesRequest, sizes: Sizes) -> Work:
    """Short: embeddings and opinions are kept, and only the first search of a large dataset takes minutes."""
    if request.is_computed or request.picture or request.groups is not None:
        method = request.doubt or ("meaning" if request.like or not request.picture else "map")
        return Work("short", sizes.dataset(request.dataset, request.task or "", SPLITS), method)
    return Work("short", 0)


TOOL = ToolSpec(
    run=find_examples,
    request=FindExamplesRequest,
    result=FindExamplesResult,
    work=_work,
    multi_label=True,
    before_labels=True,
    embeds_with=("like", "doubt", "groups", "picture"),
    check=_check,
    text=ToolText(
        title="Find examples",
        description=(
            "Without arguments: the tasks, the models in use, what happened, what is open. Of a task: rows by "
            "conditions, meaning, doubt or marks, with counts of all found; in groups; what changed since a version."
        ),
        reads_only=True,
    ),
)
