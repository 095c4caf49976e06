"""`find_examples` with `groups`: rows in groups by meaning, all counted, in one answer."""

from __future__ import annotations

import re
from itertools import product

import numpy as np
import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import make_example
from classwright_tools.domain.excerpt import ANSWER_BYTES
from classwright_tools.domain.task import Task
from classwright_tools.domain.text_group import TextGroup
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import InvalidInput, NotEnoughData
from classwright_tools.find_examples import (
    TOOL,
    FindExamplesRequest,
    FindExamplesResult,
    find_examples,
)
from classwright_tools.learning.grouping import grouped
from classwright_tools.measurement.naming import telling_words, telling_words_of_each
from classwright_tools.measurement.text_groups import MOST_READ, OVERVIEW, shown_groups
from classwright_tools.workspace.datasets import save_dataset
from support.learning import save_rows, unlabelled_rows, written_rows

KINDS = {
    "{} the guitar {}": product(["tune", "string", "play", "restring"], ["at home", "for my son", "on stage"]),
    "a cake with {} {}": product(["lemon", "cherries", "cocoa", "nuts"], ["for six", "without eggs", "by sunday"]),
    "my {} hurts {}": product(["knee", "back", "elbow", "ankle"], ["since monday", "at night", "when i run"]),
}
WORDS = re.findall(
    r"\w+",
    "apple guitar river lawyer snow bread train doctor football candle wallet mountain printer spider wedding coffee "
    "shark violin desert invoice tooth rocket garden piano storm pencil cheese planet soldier ladder camera pillow "
    "tiger hammer library ocean jacket dentist mushroom airport window pepper teacher castle battery onion circus "
    "medal lemon tunnel rabbit kitchen diamond balcony tractor museum",
)
TEXTS = {kind: [kind.format(*words) for words in pairs] for kind, pairs in KINDS.items()}


@pytest.fixture
def dataset(task: Task, context: ToolContext) -> str:
    rows = [make_example(text, None) for texts in TEXTS.values() for text in texts]
    made = save_dataset(
        context.workspace, task.slug, {"unlabelled": rows}, parent=None, run_key="rows", made_by="import_examples"
    )
    return made.id


def groups_of(context: ToolContext, groups: int, **more: object) -> FindExamplesResult:
    return find_examples(FindExamplesRequest.model_validate({"task": "support", "groups": groups, **more}), context)


def test_texts_of_three_kinds_are_three_groups_without_anybody_saying_so(context: ToolContext, dataset: str) -> None:
    found = groups_of(context, 0)

    by_text = {text: place for place, group in enumerate(found.groups) for text in group.typical.values()}
    assert [group.rows for group in found.groups] == [12, 12, 12]
    assert [group.share for group in found.groups] == [0.333] * 3
    assert all(len({by_text[text] for text in texts if text in by_text}) == 1 for texts in TEXTS.values())
    assert any("guitar" in group.words for group in found.groups)
    assert f"36 rows of {dataset} found, in 3 groups by meaning" in found.summary
    assert not found.rows


def test_of_a_task_with_labels_a_group_becomes_a_further_label_and_without_the_first(
    context: ToolContext, task: Task, dataset: str
) -> None:
    assert "edit_examples(task='support', changes=[{'action': 'add_label'" in groups_of(context, 3).next_step
    context.workspace.save_task(task.model_copy(update={"labels": ()}))
    assert "propose_topics(task='support', ...)" in groups_of(context, 3).next_step


def test_so_many_groups_are_made_as_are_asked_for_of_the_rows_that_are_found(
    context: ToolContext, dataset: str
) -> None:
    found = groups_of(context, 4, where={"text": "the guitar"})

    assert len(found.groups) == 4
    assert found.total == sum(group.rows for group in found.groups) == 12


def test_groups_that_do_not_fit_an_answer_come_with_the_next_offset(context: ToolContext, task: Task) -> None:
    # To the encoder the long word is a single token.
    rows = [make_example(f"{n} {'weitausgeholt' * 20} {n}", None) for n in range(400)]
    save_dataset(
        context.workspace, "support", {"unlabelled": rows}, parent=None, run_key="r", made_by="import_examples"
    )

    seen, offset = 0, 0
    while offset is not None:
        page = groups_of(context, 100, offset=offset)
        assert page.groups
        assert len(page.model_dump_json().encode()) < ANSWER_BYTES - 700
        seen, offset = seen + sum(group.rows for group in page.groups), page.next_offset

    assert seen == 400


def test_test_rows_that_are_not_grouped_are_told(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows(), [], [make_example("where does it stay", "delivery")])

    assert "Its 1 test row is left out: where.splits names them." in groups_of(context, 0).summary


def test_where_the_encoder_hardly_reads_a_language_groups_are_said_to_be_maybe_the_languages(
    context: ToolContext, task: Task, dataset: str
) -> None:
    english = groups_of(context, 3).summary
    context.workspace.save_task(task.model_copy(update={"languages": ("fr", "en")}))

    told = groups_of(context, 3).summary
    nearest = {"task": "support", "like": {"text": "a cake", "count": 3}}
    like = find_examples(FindExamplesRequest.model_validate(nearest), context).summary
    relabel = {"action": "relabel", "rows": {"like": nearest["like"]}, "label": "refund"}
    edit = EditExamplesRequest.model_validate({"task": "support", "reason": "near", "changes": [relabel]})

    for said in (like, edit_examples(edit, context).summary):
        assert "hardly reads fr" in said
        assert said.endswith("The nearest may be of one form alone.")
    assert "hardly reads fr" in told
    assert told.endswith("Groups may then be of one language, or of one form, and not of one subject.")
    assert "hardly reads" not in english


def test_few_rows_and_pairs_are_not_grouped(context: ToolContext, task: Task) -> None:
    save_rows(context.workspace, written_rows(), [], [], unlabelled_rows(refund=4))

    with pytest.raises(NotEnoughData, match="10 rows are the fewest"):
        groups_of(context, 0, where={"splits": ["unlabelled"]})
    pairs = task.model_copy(update={"kind": "pair"})
    with pytest.raises(InvalidInput, match="are of single texts"):
        TOOL.check(FindExamplesRequest(task="support", groups=0), pairs)  # type: ignore[misc]  # it has one


def test_equal_vectors_are_one_group_and_all_rows_are_in_one() -> None:
    alike = np.tile(np.eye(4)[0], (20, 1))
    apart = np.eye(4)[np.arange(20) % 2]

    assert [member.tolist() for member in grouped(alike, None, 0)] == [list(range(20))]
    assert [member.tolist() for member in grouped(alike, 3, 0)] == [list(range(20))]
    assert [member.tolist() for member in grouped(apart, None, 0)] == [list(range(0, 20, 2)), list(range(1, 20, 2))]


def test_the_words_of_each_group_are_those_that_tell_it_from_all_the_others() -> None:
    groups = list(TEXTS.values())

    others = [[text for other in groups if other is not group for text in other] for group in groups]
    assert telling_words_of_each(groups) == [telling_words(*both) for both in zip(groups, others, strict=True)]


def test_more_groups_show_less_of_each_before_any_is_left_out() -> None:
    typical = {f"{n:016x}": "t" * 200 for n in range(5)}
    groups = [TextGroup(words="w", rows=1, share=0.5, typical=typical)] * 10

    whole, less, least = (shown_groups(groups, size) for size in (20_000, 4_000, 1_000))

    assert [len(shown) for shown in (whole, less)] == [10, 10]
    assert len(whole[0].typical) == 5
    assert 0 < len(less[0].typical) < 5
    assert 0 < len(least) < 10


def test_of_more_groups_than_one_reads_the_shares_are_told_and_how_to_see_fewer(
    context: ToolContext, task: Task
) -> None:
    rows = [make_example(f"{word} {ending}", None) for word in WORDS for ending in ("please", "now", "today", "again")]
    save_dataset(
        context.workspace, "support", {"unlabelled": rows}, parent=None, run_key="r", made_by="import_examples"
    )

    found, broader = groups_of(context, 0), groups_of(context, OVERVIEW)

    many = int(re.search(r"in (\d+) groups", found.summary)[1])  # type: ignore[index]
    assert many > MOST_READ
    largest = sum(group.rows for group in found.groups[:OVERVIEW]) / len(rows)
    assert f"The 20 largest have {largest:.0%} of the rows, the other {many - 20} have the rest." in found.summary
    assert found.next_step.startswith("These are more than a person reads: groups=20 makes broader ones")
    assert len(broader.groups) == OVERVIEW
    assert "largest have" not in broader.summary
