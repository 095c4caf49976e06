"""The verb `propose_topics`: make the task and the tree of topics that the texts will be written from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import USUAL_DIVISION
from classwright_tools.domain.excerpt import Excerpts, counted, listed
from classwright_tools.domain.kinds import TopicTreeId
from classwright_tools.domain.noun import LabelName, Noun, Share, Slug, ToolRequest, ToolResult
from classwright_tools.domain.task import Label, Language, Task, TaskKind
from classwright_tools.domain.topic_tree import LabelTopics, Phrase, TopicTree
from classwright_tools.domain.uris import artifact_uri
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.errors import InvalidInput, unknown_id
from classwright_tools.tool import ToolSpec, ToolText
from classwright_tools.work import always, writing

if TYPE_CHECKING:
    from classwright_tools.workspace.topic_trees import StoredTree
    from classwright_tools.workspace.workspace import Workspace

SOURCE_TYPES_WANTED = 3
LIST_BYTES = 3_000  # of the 10 kB that an answer may have
REMARKS_LISTED = 5
OF_THE_TASK = {"instruction", "labels", "languages", "kind", "multi_label", "mismatch", "expected_shares"}
"""The fields of a request that the task has as well."""
SIZES = {"topics_per_label", "subtopics_per_topic"}
"""Those that ask for another tree where there is one."""
OF_THE_TREE = ("topics", "source_types", *sorted(SIZES))


class ProposeTopicsRequest(ToolRequest):
    """What to tell apart, and how wide to spread the texts."""

    task: Slug
    instruction: str = Field(
        default_factory=str,
        min_length=3,
        max_length=4_000,
        description="What is classified and by what, in a sentence or two.",
    )
    labels: tuple[Label, ...] = Field(
        default=(), max_length=500, description="The classes to tell apart; none: not known yet."
    )
    languages: tuple[Language, ...] = Field(default=("en",), min_length=1, max_length=30, description="Of the texts.")
    kind: TaskKind = Field(
        default="text", description="'pair': each row is two texts, such as query and product; import them."
    )
    multi_label: bool = Field(default=False, description="A text may have several labels, or none.")
    mismatch: LabelName | None = Field(
        default=None, description="Of a pair task: the label of pairs that do not belong together."
    )
    expected_shares: dict[str, Share] | None = Field(
        default=None, max_length=500, description="Each label's share of real texts, if known; 1 in all."
    )
    source_types: tuple[Phrase, ...] = Field(
        default=(),
        max_length=20,
        description="Kinds of text, such as 'email to support'. Default: the writer proposes three.",
    )
    topics_per_label: int = Field(default=4, ge=1, le=20, description="Topics for each label.")
    subtopics_per_topic: int = Field(default=2, ge=1, le=20, description="Subtopics for each topic.")
    topics: tuple[LabelTopics, ...] = Field(
        default=(), max_length=500, description="If you write them: of labels, their topics and subtopics."
    )


class TopicsWanted(Noun):
    """What the calling model is asked to write when the server has no language model of its own."""

    labels: tuple[str, ...] = Field(description="Labels that still need topics.")
    topics_per_label: int
    subtopics_per_topic: int
    source_types_wanted: int = Field(description="How many source types to name as well; 0 if they were given.")
    rules: tuple[str, ...]


class ProposeTopicsResult(ToolResult):
    """The task, and its topic tree once there is one."""

    task: Slug
    task_version: int
    topic_tree: TopicTreeId | None = Field(description="The tree's id; None while topics are still wanted.")
    cells: int = Field(ge=0, description="How many (label, topic, subtopic, source type) the tree has.")
    labels: tuple[LabelTopics, ...] = Field(description="The first labels' topics, as a preview.")
    wanted: TopicsWanted | None = None


class GrownTopicsResult(ProposeTopicsResult):
    """The result where the server's writer grew the tree. Where none is, the tool list need not tell of its usage."""

    usage: WriterUsage


def propose_topics(request: ProposeTopicsRequest, context: ToolContext) -> ProposeTopicsResult:
    """Make the task and its topic tree; a pair task has none, and that of a multi-label task also one for no label.

    Topics that the request gives are taken as they are; the writer makes the rest. Without a writer the result says
    what is wanted of the calling model, which may send the labels' topics in several calls.

    Raises:
        InvalidInput: two labels have one name, a label's topics are given twice, a task without a tree is given some,
            or the task has rows of another kind.
        NotFound: topics are given for a label that the task does not have.
        WriterFailed: a label would be left without topics; what had arrived is stored.
    """
    from classwright_tools.measurement.definition_remarks import definition_remarks
    from classwright_tools.workspace.task_definition import define_task

    named = {name: getattr(request, name) for name in OF_THE_TASK & request.model_fields_set}
    task, before = define_task(context.workspace, request.task, named)
    _check_topics(request, task)
    task = context.workspace.save_task(task)
    result = _saved_task(request, task, context)
    remarks = definition_remarks(context, task, before)
    return result.model_copy(update={"summary": " ".join(filter(None, (result.summary, *remarks)))})


def _saved_task(request: ProposeTopicsRequest, task: Task, context: ToolContext) -> ProposeTopicsResult:
    """Return the result for the `task`, which is saved."""
    from classwright_tools.workspace.topic_trees import StoredTree, merge_topics, store_tree
    from classwright_tools.writing.topic_tree import grow_tree

    if task.kind == "pair":
        return _pair_task(task, context.workspace)
    if not task.labels:
        return _without_labels(task)
    workspace = context.workspace
    made = workspace.made_by(context.run_key, "topics")
    if made:
        stored, usage = StoredTree(made.id, workspace.document(made.id, "topics", TopicTree)), made.facts.get("usage")
        return _with_usage(_result(request, task, stored, workspace), WriterUsage(**usage) if usage else None)
    if context.writer:
        tree, spent = grow_tree(
            task,
            request.topics,
            request.source_types,
            topics_per_label=request.topics_per_label,
            subtopics_per_topic=request.subtopics_per_topic,
            anew=not SIZES.isdisjoint(request.model_fields_set),
            context=context,
        )
        newest = workspace.latest("topics", task.slug)
        stored = store_tree(workspace, task, tree, newest, run_key=context.run_key, usage=spent.model_dump())
        return _with_usage(_result(request, task, stored, workspace), spent)
    merged = merge_topics(
        workspace, task, request.topics, request.source_types, run_key=context.run_key, report=context.progress
    )
    return _result(request, task, merged, workspace)


def _pair_task(task: Task, workspace: Workspace) -> ProposeTopicsResult:
    """Return the result for a pair task: its pairs are imported, so it has no topics to write from."""
    from classwright_tools.measurement.next_training import next_training

    unnamed = "" if task.mismatch else " Name its `mismatch` label if it has one: trained and measured by it."
    saved = (
        f"Pair task {task.slug!r} (version {task.version}) is saved, with {len(task.labels)} labels. Pairs are "
        f"imported, so it has no topic tree.{unnamed}"
    )
    if newest := workspace.latest("dataset", task.slug):
        return _without_tree(task, summary=saved, next_step=next_training(workspace, task, newest.id))
    return _without_tree(
        task,
        summary=saved,
        next_step=f"Call import_examples(task={task.slug!r}, split={USUAL_DIVISION}, ...) with pairs, a query and an "
        "item each: some are held out. Pairs that a language model wrote: split='train', written=true.",
    )


def _without_labels(task: Task) -> ProposeTopicsResult:
    """Return the result for a task whose kinds nobody knows: its texts come first."""
    return _without_tree(
        task,
        summary=f"Task {task.slug!r} (version {task.version}) is saved without labels.",
        next_step=f"Call import_examples(task={task.slug!r}, split='unlabelled', ...), then "
        f"find_examples(task={task.slug!r}, groups=0), which groups the texts by meaning. Agree with the person what "
        "kinds there are, and call propose_topics again with them as `labels`.",
    )


def _without_tree(task: Task, summary: str, next_step: str, wanted: TopicsWanted | None = None) -> ProposeTopicsResult:
    return ProposeTopicsResult(
        summary=summary,
        next_step=next_step,
        task=task.slug,
        task_version=task.version,
        topic_tree=None,
        cells=0,
        labels=(),
        wanted=wanted,
    )


def _check_topics(request: ProposeTopicsRequest, task: Task) -> None:
    if task.kind == "pair":
        fields = ProposeTopicsRequest.model_fields
        for name in OF_THE_TREE:
            if getattr(request, name) != fields[name].default:
                reason = f"is of a topic tree, and the pairs of task {task.slug!r} are imported"
                raise InvalidInput(f"`{name}`", reason, "Leave it out.")
    seen: set[str] = set()
    for branch in request.topics:
        if branch.label not in task.branch_names:
            raise unknown_id("label", branch.label, task.branch_names)
        if branch.label in seen:
            raise InvalidInput(f"label {branch.label!r}", "has its topics given twice", "Put them into one entry.")
        seen.add(branch.label)


def _result(
    request: ProposeTopicsRequest, task: Task, stored: StoredTree | None, workspace: Workspace
) -> ProposeTopicsResult:
    from classwright_tools.workspace.topic_trees import labels_without_topics

    lacking = labels_without_topics(task, stored.tree if stored else None)
    if lacking or stored is None:
        return _wanted(request, task, lacking, workspace, has_tree=stored is not None)
    id_, tree = stored
    cells = len(tree.cells())
    excerpts = Excerpts(artifact_uri(id_))
    excerpts.note("remarks", min(REMARKS_LISTED, len(tree.remarks)), len(tree.remarks))
    remarks = f" Smaller than asked: {listed(tree.remarks, REMARKS_LISTED)}." if tree.remarks else ""
    return ProposeTopicsResult(
        summary=f"Task {task.slug!r} (version {task.version}) has {len(task.labels)} labels; its topic tree {id_} has "
        f"{counted(cells, 'cell')}.{remarks}",
        next_step=f"synthesize_examples(task={task.slug!r}) writes 2 texts a cell, {2 * cells} in all"
        + (": with one label, with two, and with none; `labels` asks for more together." if task.multi_label else "."),
        task=task.slug,
        task_version=task.version,
        topic_tree=id_,
        cells=cells,
        labels=excerpts.of("labels", tree.labels, LIST_BYTES, least=0),
        shown_in_part=excerpts.parts,
    )


def _with_usage(result: ProposeTopicsResult, usage: WriterUsage | None) -> ProposeTopicsResult:
    return GrownTopicsResult(**dict(result), usage=usage) if usage else result


def _wanted(
    request: ProposeTopicsRequest, task: Task, lacking: tuple[str, ...], workspace: Workspace, *, has_tree: bool
) -> ProposeTopicsResult:
    """Return the result that asks the calling model for the topics of the `lacking` labels."""
    from classwright_tools.measurement.next_training import without_topics
    from classwright_tools.writing.assignments.batches import topic_rules

    source_types = 0 if request.source_types or has_tree else SOURCE_TYPES_WANTED
    newest = workspace.latest("topics", task.slug)
    earlier = (
        f" The topics of {newest.id} are for the task as it was: texts are still written by them until others come."
        if newest and not has_tree
        else ""
    )
    return _without_tree(
        task,
        summary=f"Task {task.slug!r} (version {task.version}) is saved, and rows can be imported. For texts to be "
        f"written, {len(lacking)} of {len(task.branch_names)} labels still "
        f"{'needs' if len(lacking) == 1 else 'need'} topics, and this server has no language model of its own: you "
        f"write them.{earlier}",
        next_step=without_topics(workspace, task)
        + "write the topics for the labels in `wanted`, then call propose_topics again with the same task and "
        "instruction, and with `topics`"
        + (" and `source_types`" if source_types else "")
        + ". Labels may be sent in several calls; what you sent is kept.",
        wanted=TopicsWanted(
            labels=lacking,
            topics_per_label=request.topics_per_label,
            subtopics_per_topic=request.subtopics_per_topic,
            source_types_wanted=source_types,
            rules=topic_rules(task),
        ),
    )


TOOL = ToolSpec(
    run=propose_topics,
    request=ProposeTopicsRequest,
    result=ProposeTopicsResult,
    work=always(writing()),
    makes=("topics",),
    makes_task=True,
    job="to write",
    text=ToolText(
        title="Propose topics",
        description=(
            "Start a classification task, or change its labels: give the labels with a sentence each on what belongs "
            "to them, and get a tree of source types, topics and subtopics that makes the written texts varied. "
            "Without a language model on the server the answer's `wanted` asks you to call again with `topics` and "
            "`source_types` that you wrote. What is not sent stays. Changed labels make a new version of the task."
        ),
        outward=True,
    ),
)
