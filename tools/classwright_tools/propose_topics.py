"""The verb `propose_topics`: make the task and the tree of topics that the texts will be written from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

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
from classwright_tools.work import Sizes, Work, writing

if TYPE_CHECKING:
    from classwright_tools.workspace.workspace import Artifact, Workspace

SOURCE_TYPES_WANTED = 3
LIST_BYTES = 3_000  # of the 10 kB that an answer may have
REMARKS_LISTED = 5


class ProposeTopicsRequest(ToolRequest):
    """What to tell apart, and how wide to spread the texts."""

    task: Slug
    instruction: str = Field(
        min_length=3, max_length=4_000, description="What is classified and by what, in a sentence or two."
    )
    labels: tuple[Label, ...] = Field(
        default=(), max_length=500, description="The classes to tell apart; none: not known yet."
    )
    languages: tuple[Language, ...] = Field(
        default=("en",),
        min_length=1,
        max_length=30,
        description="Of the texts.",
    )
    kind: TaskKind = Field(
        default="text",
        description="'pair': each row is two texts, such as query and product; import them.",
    )
    multi_label: bool = Field(default=False, description="A text may have several labels, or none.")
    mismatch: LabelName | None = Field(
        default=None, description="Of a pair task: the label of pairs that do not belong together."
    )
    expected_shares: dict[str, Share] | None = Field(
        default=None,
        max_length=500,
        description="Each label's share of real texts, if known; 1 in all.",
    )
    source_types: tuple[Phrase, ...] = Field(
        default=(),
        max_length=20,
        description="Kinds of text, such as 'email to support'. Default: the writer proposes three.",
    )
    topics_per_label: int = Field(default=4, ge=1, le=20, description="Topics for each label.")
    subtopics_per_topic: int = Field(default=2, ge=1, le=20, description="Subtopics for each topic.")
    topics: tuple[LabelTopics, ...] = Field(
        default=(),
        max_length=500,
        description="If you write them: for every label its topics and their subtopics.",
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
            or the task exists and is of another kind.
        NotFound: topics are given for a label that the task does not have.
        WriterFailed: a label would be left without topics; what had arrived is stored.
    """
    task = _task(_with_what_stands(request, context))
    _check_topics(request.topics, task)
    before = _task_before(task, context)
    task = context.workspace.save_task(task)
    return _with_remarks(_saved_task(request, task, context), task, before, context)


def _saved_task(request: ProposeTopicsRequest, task: Task, context: ToolContext) -> ProposeTopicsResult:
    """Return the result for the `task`, which is saved."""
    if task.kind == "pair":
        return _pair_task(task)
    if not task.labels:
        return _without_labels(task)
    workspace = context.workspace
    made = workspace.made_by(context.run_key, "topics")
    if made:
        tree = workspace.document(made.id, "topics", TopicTree)
        usage = made.facts.get("usage")
        return _with_usage(_result(request, task, tree, made.id, workspace), WriterUsage(**usage) if usage else None)
    if context.writer:
        tree, usage = _tree_from_writer(request, task, context)
        newest = workspace.latest("topics", task.slug)
        id_ = _saved(tree, task, context, newest, usage=usage)
        return _with_usage(_result(request, task, tree, id_, workspace), usage)
    merged, merged_id = _merged(request, task, context)
    return _result(request, task, merged, merged_id, workspace)


def _with_what_stands(request: ProposeTopicsRequest, context: ToolContext) -> ProposeTopicsRequest:
    """Return `request` with the languages that the task has so far, if it names none.

    Where it names no labels, and says something of them, these stay as well, and all else that it does not name.
    """
    if request.task not in context.workspace.tasks():
        return request
    there = context.workspace.task(request.task)
    unnamed = {"languages"} - request.model_fields_set
    if not request.labels and (request.mismatch is not None or request.expected_shares is not None):
        unnamed |= {"kind", "multi_label", "mismatch", "expected_shares"} - request.model_fields_set | {"labels"}
    return request.model_copy(update={name: getattr(there, name) for name in unnamed})


def _task(request: ProposeTopicsRequest) -> Task:
    try:
        return Task(
            slug=request.task,
            instruction=request.instruction,
            labels=request.labels,
            languages=request.languages,
            kind=request.kind,
            multi_label=request.multi_label,
            mismatch=request.mismatch,
            expected_shares=request.expected_shares,
        )
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InvalidInput(
            f"task {request.task!r}",
            reason,
            "Give every label a name of its own, and a share if any has one, and a pair task one of them as "
            "`mismatch`, and call again.",
        ) from error


def _task_before(task: Task, context: ToolContext) -> Task | None:
    """Return the task as it is so far, if it exists.

    Raises:
        InvalidInput: its rows are of another form: its datasets would not be of one form.
    """
    workspace = context.workspace
    if task.slug not in workspace.tasks():
        return None
    there = workspace.task(task.slug)
    if there.labels and not task.labels:
        reason = f"has {len(there.labels)} labels, and none are given"
        raise InvalidInput(f"task {task.slug!r}", reason, "Pass its labels again, as they are to be.")
    for name in ("kind", "multi_label"):
        if getattr(there, name) != getattr(task, name):
            reason = f"exists with {name} {getattr(there, name)!r}"
            raise InvalidInput(f"task {task.slug!r}", reason, "Give the new task another name.")
    return there


def _pair_task(task: Task) -> ProposeTopicsResult:
    """Return the result for a pair task: its pairs are imported, so it has no topics to write from."""
    unnamed = "" if task.mismatch else " Name its `mismatch` label if it has one: trained and measured by it."
    return ProposeTopicsResult(
        summary=f"Pair task {task.slug!r} (version {task.version}) is saved, with {len(task.labels)} labels. Pairs "
        f"are imported, so it has no topic tree.{unnamed}",
        next_step=f"Call import_examples(task={task.slug!r}, split={USUAL_DIVISION}, ...) with pairs, a query and an "
        "item each: some are held out. With split='train' and written=true if a language model writes them.",
        task=task.slug,
        task_version=task.version,
        topic_tree=None,
        cells=0,
        labels=(),
    )


def _without_labels(task: Task) -> ProposeTopicsResult:
    """Return the result for a task whose kinds nobody knows: its texts come first."""
    return ProposeTopicsResult(
        summary=f"Task {task.slug!r} (version {task.version}) is saved without labels.",
        next_step=f"Call import_examples(task={task.slug!r}, split='unlabelled', ...), then "
        f"find_examples(task={task.slug!r}, groups=0), which groups the texts by meaning. Agree with the person what "
        "kinds there are, and call propose_topics again with them as `labels`.",
        task=task.slug,
        task_version=task.version,
        topic_tree=None,
        cells=0,
        labels=(),
    )


def _check_topics(topics: Sequence[LabelTopics], task: Task) -> None:
    if topics and task.kind == "pair":
        raise InvalidInput("topics", f"are given, and the pairs of task {task.slug!r} are imported", "Leave them out.")
    seen: set[str] = set()
    for branch in topics:
        if branch.label not in task.branch_names:
            raise unknown_id("label", branch.label, task.branch_names)
        if branch.label in seen:
            raise InvalidInput(f"label {branch.label!r}", "has its topics given twice", "Put them into one entry.")
        seen.add(branch.label)


def _tree_from_writer(request: ProposeTopicsRequest, task: Task, context: ToolContext) -> tuple[TopicTree, WriterUsage]:
    """Return the request's topics, with the labels that have none grown by the writer, and what that took.

    Where every label has topics already and the request gives none, all are grown anew.
    """
    from classwright_tools.workspace.topic_trees import standing_topics
    from classwright_tools.writing.topic_tree import grow_tree

    standing, known = standing_topics(context.workspace, task)
    given = standing | {branch.label: branch for branch in request.topics}
    if not request.topics and given.keys() >= set(task.branch_names):
        given, known = {}, ()
    growth = grow_tree(
        task,
        [name for name in task.branch_names if name not in given],
        request.source_types or known,
        topics=request.topics_per_label,
        subtopics=request.subtopics_per_topic,
        context=context,
    )
    branches = given | {branch.label: branch for branch in growth.labels}
    tree = TopicTree(
        task=task.slug,
        source_types=growth.source_types,
        labels=tuple(branches[name] for name in task.branch_names),
        remarks=tuple(growth.remarks),
    )
    return tree, growth.usage


def _merged(
    request: ProposeTopicsRequest, task: Task, context: ToolContext
) -> tuple[TopicTree, str] | tuple[None, None]:
    """Store the request's topics merged with those of earlier calls, and return the tree and its id, if there is one.

    A call beside this one may send the topics of other labels: no topics of either are lost.
    """
    from classwright_tools.workspace.destination import onto_newest
    from classwright_tools.workspace.topic_trees import merged_tree

    def merge(_newest: str | None) -> tuple[TopicTree, str] | tuple[None, None]:
        newest = context.workspace.latest("topics", task.slug)
        tree = merged_tree(context.workspace, task, request.topics, request.source_types)
        return (tree, _saved(tree, task, context, newest, on_newest=True)) if tree else (None, None)

    return onto_newest(context.workspace, "topics", task.slug, merge, context.progress)


def _saved(
    tree: TopicTree,
    task: Task,
    context: ToolContext,
    newest: Artifact | None,
    *,
    on_newest: bool = False,
    usage: WriterUsage | None = None,
) -> str:
    """Store `tree` and return its id; that of the `newest` tree if it is the same.

    Raises:
        Overtaken: `on_newest`, and another tree has become the newest; nothing was stored.
    """
    from classwright_tools.workspace.topic_trees import publish_tree

    workspace = context.workspace
    is_current = newest is not None and newest.facts.get("task_version") == task.version
    if newest and is_current and workspace.document(newest.id, "topics", TopicTree) == tree:
        return newest.id
    return publish_tree(
        workspace,
        task,
        tree,
        run_key=context.run_key,
        parent=newest.id if newest and on_newest else None,
        on_newest=on_newest,
        usage=usage.model_dump() if usage else None,
    ).id


def _result(
    request: ProposeTopicsRequest, task: Task, tree: TopicTree | None, id_: str | None, workspace: Workspace
) -> ProposeTopicsResult:
    from classwright_tools.workspace.topic_trees import labels_without_topics

    lacking = labels_without_topics(task, tree)
    if lacking:
        return _wanted(request, task, tree, lacking, workspace)
    assert tree is not None
    cells = len(tree.cells())
    assert id_ is not None
    excerpts = Excerpts(artifact_uri(id_))
    excerpts.note("remarks", min(REMARKS_LISTED, len(tree.remarks)), len(tree.remarks))
    remarks = f" Smaller than asked: {listed(tree.remarks, REMARKS_LISTED)}." if tree.remarks else ""
    return ProposeTopicsResult(
        summary=f"Task {task.slug!r} (version {task.version}) has {len(task.labels)} labels; its topic tree {id_} has "
        f"{cells} cells.{remarks}",
        next_step=f"synthesize_examples(task={task.slug!r}) writes 2 texts a cell, {2 * cells} in all"
        + (": with one label, with two, and with none; `labels` asks for more together." if task.multi_label else "."),
        task=task.slug,
        task_version=task.version,
        topic_tree=id_,
        cells=cells,
        labels=excerpts.of("labels", tree.labels, LIST_BYTES, least=0),
        shown_in_part=excerpts.parts,
    )


def _with_remarks(
    result: ProposeTopicsResult, task: Task, before: Task | None, context: ToolContext
) -> ProposeTopicsResult:
    """Return `result` with what is to be said of labels that are new, and of languages before texts are paid for."""
    from classwright_tools.learning.reading_languages import unread_remark_at_hand

    remarks = (_unlabelled_so_far(task, before, context), unread_remark_at_hand(context.encoder, task.languages))
    return result.model_copy(update={"summary": " ".join(filter(None, (result.summary, *remarks)))})


def _unlabelled_so_far(task: Task, before: Task | None, context: ToolContext) -> str:
    """Return the sentence on labels that rows which are there were never asked about."""
    asked = before.label_names if before else ()  # without labels nobody labelled a row
    new = [name for name in task.label_names if asked and name not in asked]
    if not (new and task.multi_label and context.workspace.latest("dataset", task.slug)):
        return ""
    names = listed(map(repr, new), REMARKS_LISTED)
    return f"Rows so far were labelled without {names}: find those that have it by find_examples, and relabel them."


def _with_usage(result: ProposeTopicsResult, usage: WriterUsage | None) -> ProposeTopicsResult:
    return GrownTopicsResult(**dict(result), usage=usage) if usage else result


def _wanted(
    request: ProposeTopicsRequest, task: Task, tree: TopicTree | None, lacking: tuple[str, ...], workspace: Workspace
) -> ProposeTopicsResult:
    """Return the result that asks the calling model for the topics of the `lacking` labels."""
    from classwright_tools.writing.assignments.batches import topic_rules

    source_types = 0 if request.source_types or tree else SOURCE_TYPES_WANTED
    return ProposeTopicsResult(
        summary=f"Task {task.slug!r} (version {task.version}) is saved, and rows can be imported. For texts to be "
        f"written, {len(lacking)} of {len(task.branch_names)} labels still need topics, and this server has no "
        "language model of its own: you write them.",
        next_step=_by_real_texts(task, workspace)
        + "write the topics for the labels in `wanted`, then call propose_topics again with the same task, "
        "instruction and labels, and with `topics`"
        + (" and `source_types`" if source_types else "")
        + ". Labels may be sent in several calls; what you sent is kept.",
        task=task.slug,
        task_version=task.version,
        topic_tree=None,
        cells=0,
        labels=(),
        wanted=TopicsWanted(
            labels=lacking,
            topics_per_label=request.topics_per_label,
            subtopics_per_topic=request.subtopics_per_topic,
            source_types_wanted=source_types,
            rules=topic_rules(task),
        ),
    )


def _by_real_texts(task: Task, workspace: Workspace) -> str:
    """Return the step that needs no topics, by what the newest dataset has."""
    from classwright_tools.workspace.datasets import read_card

    newest = workspace.latest("dataset", task.slug)
    card = read_card(workspace, newest.id) if newest else None
    bare = card.rows("unlabelled") if card else 0
    if not bare:
        call = "train_classifier" if card and card.rows("train") else "import_examples"
        rows = "Rows to train on are there" if call == "train_classifier" else "If you have rows with labels"
        return f"{rows}: {call}(task={task.slug!r}) needs no topics. To have texts written: "
    return (
        f"{counted(bare, 'text without a label is', 'texts without labels are')} there: "
        f"annotate_examples(task={task.slug!r}) gets labels for them, and needs no topics. To have texts written as "
        "well: "
    )


def _work(_request: ProposeTopicsRequest, _sizes: Sizes) -> Work:
    return writing()


TOOL = ToolSpec(
    run=propose_topics,
    request=ProposeTopicsRequest,
    result=ProposeTopicsResult,
    work=_work,
    makes=("topics",),
    makes_task=True,
    job="to write",
    text=ToolText(
        title="Propose topics",
        description=(
            "Start a classification task, or change its labels: give the labels with a sentence each on what belongs "
            "to them, and get a tree of source types, topics and subtopics that makes the written texts varied. "
            "Without a language model on the server the answer's `wanted` asks you to call again with `topics` and "
            "`source_types` that you wrote. Changed labels make a new version of the task."
        ),
        outward=True,
    ),
)
