"""`edit_examples` on labels: the task, its topic tree and all rows change together, or nothing does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Provenance, make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.topic_tree import LabelTopics, Topic, TopicTree
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.editing import versions
from classwright_tools.errors import InvalidInput, NotFound
from classwright_tools.workspace.datasets import read_card, read_edits, read_rows, save_dataset
from classwright_tools.workspace.topic_trees import store_tree
from classwright_tools.workspace.workspace import Workspace
from support.editing import Editor, rows_of
from support.learning import WRITTEN


@pytest.fixture
def dataset(dataset: str, workspace: Workspace) -> str:
    tree = TopicTree(
        task="support",
        source_types=("message",),
        labels=tuple(
            LabelTopics(label=label, topics=tuple(Topic(name=topic, subtopics=("any",)) for topic in topics))
            for label, topics in WRITTEN.items()
        ),
    )
    workspace.publish_document("topics", "support", tree, run_key="tree", task_version=1, complete=True)
    return dataset


def labels_of(workspace: Workspace, dataset: str | None) -> dict[str | None, int]:
    counts: dict[str | None, int] = {}
    for row in rows_of(workspace, dataset).values():
        counts[row.label] = counts.get(row.label, 0) + 1
    return counts


def topics_of(workspace: Workspace) -> dict[str, list[str]]:
    newest = workspace.latest("topics", "support")
    assert newest
    tree = workspace.document(newest.id, "topics", TopicTree)
    return {branch.label: [topic.name for topic in branch.topics] for branch in tree.labels}


def test_a_new_name_goes_through_the_task_the_tree_all_splits_and_contrasts(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    made = Provenance(contrast="refund", writer="recorded")
    contrast = make_example("where is the money for my parcel", "delivery", origin="written", provenance=made)
    train = [*read_rows(workspace, dataset, "train"), contrast]
    save_dataset(workspace, "support", {"train": train}, parent=dataset, run_key="more", made_by="synthesize_examples")

    result = edit({"action": "rename_label", "label": "Refund", "to": "money back"}, reason="as we call it")

    assert labels_of(workspace, result.dataset) == {"money back": 13, "delivery": 14, "account": 12, None: 6}
    renamed = rows_of(workspace, result.dataset)[contrast.id].provenance
    assert renamed
    assert renamed.contrast == "money back"
    task = workspace.task("support")
    assert (task.label_names, task.version) == (("money back", "delivery", "account"), 2)
    assert task.labels[0].description == "the customer wants money back"
    assert topics_of(workspace)["money back"] == ["broken goods", "changed mind"]
    assert read_card(workspace, str(result.dataset)).task_version == 2
    (made_edit,) = read_edits(workspace, result.dataset)
    assert (made_edit.label, made_edit.to, made_edit.rows, made_edit.test_rows) == ("refund", "money back", {}, 1)


def test_a_label_that_takes_another_keeps_both_descriptions_or_says_that_it_covers_a_part(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    named = {"action": "describe_label", "label": "delivery", "description": ""}
    joined = edit({"action": "merge_label", "label": "refund", "to": "delivery"})
    both = workspace.task("support").labels[0].description
    edit(revert_to=dataset)
    edit(named)
    part = edit({"action": "merge_label", "label": "refund", "to": "delivery"})

    assert both == "the customer asks where a parcel is; the customer wants money back"
    assert "has both descriptions now" in joined.summary
    assert "describe_label says it in better words" in joined.summary
    assert "covers a part of its rows now: mend it by describe_label" in part.summary
    assert workspace.task("support").labels[0].description == ""


def test_a_label_that_is_merged_ends_and_its_shares_and_topics_go_along(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    shares = {"refund": 0.5, "delivery": 0.3, "account": 0.2}
    workspace.save_task(workspace.task("support").model_copy(update={"expected_shares": shares}))

    result = edit({"action": "merge_label", "label": "account", "to": "delivery", "description": "all the rest"})

    task = workspace.task("support")
    assert task.label_names == ("refund", "delivery")
    assert task.labels[1].description == "all the rest"
    assert task.expected_shares == pytest.approx({"refund": 0.5, "delivery": 0.5})
    assert labels_of(workspace, result.dataset) == {"refund": 13, "delivery": 25, None: 6}
    assert topics_of(workspace)["delivery"] == ["late", "options", "login", "data"]
    assert "Models follow a label that is renamed or merged, and its undo" in result.next_step
    (made,) = read_edits(workspace, result.dataset)
    assert len(made.rows) == 12
    assert set(made.rows.values()) == {"account"}
    edit({"action": "rename_label", "label": "delivery", "to": "parcel"})
    edit(undo=result.dataset)
    assert topics_of(workspace) == {
        "refund": ["broken goods", "changed mind"],
        "parcel": ["late", "options"],
        "account": ["login", "data"],
    }


def test_going_back_to_a_version_brings_its_topics_back_where_the_labels_are_the_same_again(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    before = topics_of(workspace)
    edit({"action": "describe_label", "label": "delivery", "description": "parcels"})
    then = workspace.task("support", 1).labels[1].description
    edit({"action": "describe_label", "label": "delivery", "description": then})
    other = LabelTopics(label="refund", topics=(Topic(name="other", subtopics=("any",)),))
    tree = TopicTree(task="support", source_types=("e-mail",), labels=(other,))
    task = workspace.task("support")
    store_tree(workspace, task, tree, workspace.latest("topics", "support"), run_key="other")

    back = edit(revert_to=dataset)
    again = edit(revert_to=dataset)

    assert topics_of(workspace) == before
    assert "Its topic tree is " in back.summary
    assert "topic tree" not in again.summary
    assert workspace.task("support") == task


def test_a_label_is_split_by_conditions_which_its_test_rows_follow(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    parts = [
        {"label": "tracking", "description": "where a parcel is", "rows": {"where": {"text": "where"}}},
        {"label": "shipping", "rows": {"where": {"topic": "options"}}},
        {"label": "late"},
    ]

    result = edit({"action": "split_label", "label": "delivery", "into": parts})

    assert workspace.task("support").label_names == ("refund", "tracking", "shipping", "late", "account")
    assert labels_of(workspace, result.dataset) == {
        "refund": 13,
        "tracking": 2,
        "shipping": 5,
        "late": 6,
        "account": 12,
        None: 6,
    }
    said = "'delivery' split into 'tracking' (2 rows, 1 of them test rows) and 'shipping' (5 rows) and 'late' (6 rows)"
    assert said in result.summary
    assert result.rows == 13
    (tested,) = (row for row in read_rows(workspace, str(result.dataset), "test") if row.label != "refund")
    assert tested.label == "tracking"
    assert topics_of(workspace) == {
        "refund": ["broken goods", "changed mind"],
        "shipping": ["options"],
        "late": ["late"],
        "account": ["login", "data"],
    }
    assert "No topics are there for 'tracking'" in result.summary
    back = edit(undo=result.dataset)
    assert topics_of(workspace) == {label: [*topics] for label, topics in WRITTEN.items()}
    assert "No topics" not in back.summary


def test_where_rows_are_split_by_hand_the_test_rows_leave_and_are_counted(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    (row,) = (row for row in rows_of(workspace, dataset).values() if "islands" in row.text)
    parts = [{"label": "islands", "rows": {"ids": [row.id]}}, {"label": "delivery", "description": "the others"}]

    result = edit({"action": "split_label", "label": "delivery", "into": parts})

    assert "Of the test rows of 'delivery' 1 left this version" in result.summary
    assert [row.label for row in read_rows(workspace, str(result.dataset), "test")] == ["refund"]
    assert labels_of(workspace, result.dataset)["islands"] == 1
    assert workspace.task("support").labels[2].description == "the others"
    assert topics_of(workspace)["delivery"] == ["late", "options"]


def test_a_split_that_leaves_rows_over_is_refused(workspace: Workspace, dataset: str, edit: Editor) -> None:
    parts = [{"label": name, "rows": {"where": {"text": name}}} for name in ("where", "courier")]

    with pytest.raises(InvalidInput, match=r"9 rows of 'delivery': are meant by no part .*takes the others"):
        edit({"action": "split_label", "label": "delivery", "into": parts})
    assert workspace.task("support").version == 1


def test_labels_are_added_described_and_taken_away(workspace: Workspace, dataset: str, edit: Editor) -> None:
    result = edit(
        {"action": "add_label", "label": "other", "description": "all else"},
        {"action": "relabel", "rows": {"where": {"text": "islands"}}, "label": "other"},
        {"action": "describe_label", "label": "delivery", "description": "a parcel on its way"},
        {"action": "remove_label", "label": "account"},
    )

    task = workspace.task("support")
    assert task.label_names == ("refund", "delivery", "other")
    assert [label.description for label in task.labels[1:]] == ["a parcel on its way", "all else"]
    assert labels_of(workspace, result.dataset) == {"refund": 13, "delivery": 12, "other": 1, None: 6}
    assert set(topics_of(workspace)) == {"refund", "delivery"}
    assert "account" in topics_of_then(workspace, edit)


def topics_of_then(workspace: Workspace, edit: Editor) -> dict[str, list[str]]:
    """Go back to the first version and return the topics."""
    edit(revert_to="support-d1")
    assert workspace.task("support").label_names == ("refund", "delivery", "account")
    return topics_of(workspace)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"action": "rename_label", "label": "refund", "to": "Delivery"}, "looks like 'delivery'.*merge_label"),
        ({"action": "rename_label", "label": "refund", "to": "a\u200bb"}, "invisible characters"),
        ({"action": "add_label", "label": "refund"}, "is there already"),
        ({"action": "merge_label", "label": "refund", "to": "refund"}, "into itself"),
        ({"action": "merge_label", "label": "refunt", "to": "delivery"}, "Did you mean 'refund'"),
        ({"action": "merge_label", "label": "refund", "to": "parcels"}, "does not exist"),
        ({"action": "split_label", "label": "refund", "into": [{"label": "a"}]}, "fewer than two"),
        ({"action": "split_label", "label": "refund", "into": [{"label": "a"}, {"label": "A"}]}, "look alike"),
        ({"action": "split_label", "label": "refund", "into": [{"label": "a"}, {"label": "b"}]}, "no `rows`"),
        (
            {
                "action": "split_label",
                "label": "refund",
                "into": [{"label": "account", "rows": {"where": {"text": "a"}}}, {"label": "b"}],
            },
            "is there already",
        ),
    ],
)
def test_what_labels_cannot_become_is_refused_and_changes_nothing(
    workspace: Workspace, dataset: str, edit: Editor, change: dict[str, object], told: str
) -> None:
    with pytest.raises((InvalidInput, NotFound), match=told):
        edit({"action": "describe_label", "label": "account", "description": "new"}, change)
    assert workspace.task("support").version == 1
    assert workspace.latest("dataset", "support").id == dataset  # type: ignore[union-attr]  # it is there


def test_two_labels_stay_and_pairs_keep_the_label_of_what_does_not_fit(workspace: Workspace, edit: Editor) -> None:
    labels = (Label(name="fits"), Label(name="no"), Label(name="partly"))
    workspace.save_task(Task(slug="pairs", instruction="Does it fit?", labels=labels, kind="pair", mismatch="no"))
    rows = [make_example(f"query {n}", name, text_pair=f"item {n}") for n, name in enumerate(("fits", "no", "partly"))]
    save_dataset(workspace, "pairs", {"train": rows}, parent=None, run_key="pairs", made_by="import_examples")
    pairs = {"task": "pairs"}

    edit({"action": "rename_label", "label": "no", "to": "misfit"}, **pairs)
    assert workspace.task("pairs").mismatch == "misfit"
    with pytest.raises(InvalidInput, match="merge others into it"):
        edit({"action": "merge_label", "label": "misfit", "to": "fits"}, **pairs)
    edit({"action": "merge_label", "label": "partly", "to": "misfit"}, **pairs)
    with pytest.raises(InvalidInput, match="would have one label, 'misfit'"):
        edit({"action": "remove_label", "label": "fits"}, **pairs)
    parts = [{"label": "a", "rows": {"ids": [rows[1].id]}}, {"label": "b"}]
    with pytest.raises(InvalidInput, match=r"Let a part keep its name, .* propose_topics\(task='pairs'"):
        edit({"action": "split_label", "label": "misfit", "into": parts}, **pairs)
    marked = edit({"action": "good_example", "rows": {"ids": [rows[1].id]}}, **pairs)
    assert "Writers of mismatches are shown no marked pair" in marked.summary
    moved = edit({"action": "rewrite", "rows": {"ids": [rows[0].id]}, "text": "query 0", "text_pair": "a cup"}, **pairs)
    assert {row.text_pair for row in rows_of(workspace, moved.dataset).values()} == {"a cup", "item 1", "item 2"}


def test_rows_of_a_label_that_the_task_no_longer_has_are_put_right(
    workspace: Workspace, dataset: str, edit: Editor
) -> None:
    """Whoever proposed the labels anew under other names has rows of the old ones."""
    labels = (Label(name="money back"), Label(name="delivery"), Label(name="account"))
    workspace.save_task(workspace.task("support").model_copy(update={"labels": labels}))

    result = edit({"action": "rename_label", "label": "refund", "to": "money back"})

    assert labels_of(workspace, result.dataset)["money back"] == 13
    assert workspace.task("support").version == 2


def test_a_run_that_was_cut_off_after_the_dataset_stores_the_task_and_the_tree(
    workspace: Workspace, dataset: str, context: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = [{"action": "rename_label", "label": "refund", "to": "money back"}]
    request = EditExamplesRequest.model_validate({"task": "support", "reason": "r", "changes": changes})

    def killed(*_: object) -> tuple[str, ...]:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(versions, "store_definition", killed)
        with pytest.raises(KeyboardInterrupt):
            edit_examples(request, context)
    assert workspace.task("support").version == 1

    result = edit_examples(request, replace(context))

    assert result.dataset == "support-d2"
    assert workspace.task("support").label_names[0] == "money back"
    assert "money back" in topics_of(workspace)
    assert edit_examples(request, context).dataset == "support-d2"
    assert workspace.task("support").version == 2
