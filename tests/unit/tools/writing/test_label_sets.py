"""How many texts of a multi-label task carry which labels."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.writing.generation.label_sets import set_counts, targets_of_sets
from support.several import several_task

NAMES = tuple("abcdefgh")
SETS = st.lists(st.sets(st.sampled_from(NAMES[:5])).map(tuple), max_size=60)


def sizes_of(counts: dict[str, int]) -> Counter[int]:
    sizes = Counter[int]()
    for written, rows in counts.items():
        sizes[len(written.replace("|", ""))] += rows
    return sizes


@given(rows=st.integers(1, 600), labels=st.integers(2, 8), real=SETS)
def test_texts_are_as_many_as_asked_and_labels_alone_are_even(
    rows: int, labels: int, real: list[tuple[str, ...]]
) -> None:
    names = NAMES[:labels]

    counts = set_counts(rows, names, [tuple(label for label in row if label in names) for row in real])

    assert sum(counts.values()) == rows
    alone = [counts[name] for name in names]
    assert max(alone) - min(alone) <= 1


@given(labels=st.integers(2, 8), rows=st.integers(20, 600))
def test_where_no_real_row_says_it_pairs_come_by_turns(labels: int, rows: int) -> None:
    names = NAMES[:labels]

    counts = set_counts(rows, names, [])

    sizes = sizes_of(counts)
    assert (abs(sizes[1] - 0.6 * rows), abs(sizes[2] - 0.25 * rows), abs(sizes[0] - 0.15 * rows)) < (1, 1, 1)
    pairs = {written: n for written, n in counts.items() if len(written) == 3}
    assert max(pairs.values()) - min(pairs.values()) <= 1
    together = [sum(n for written, n in pairs.items() if name in written) for name in names]
    assert max(together) - min(together) <= 2


def test_real_rows_say_how_many_labels_texts_have_and_which_come_together() -> None:
    real = [("a", "b")] * 60 + [("c",)] * 20 + [("a", "b", "d")] * 20

    counts = set_counts(120, NAMES[:5], real)

    sizes = sizes_of(counts)
    assert sizes == {1: 32, 2: 85, 0: 3}  # the 100 real rows, and 20 of the usual shares
    assert counts["a|b"] > 3 * counts["a|d"] == 3 * counts["b|d"] > counts["c|e"] >= 0


def test_a_text_of_two_labels_is_about_a_topic_of_either() -> None:
    task = several_task()
    cells = [
        Cell(label=name, topic=f"{name} {t}", subtopic=f"{t} {s}", source_type=k)
        for name in task.branch_names
        for t in "ab"
        for s in "xy"
        for k in ("mail", "chat")
    ]

    targets = targets_of_sets(task, cells, 160, (), [])

    of = {"refund", "delivery"}
    topics = Counter(target.cell.topic for target in targets if target.cell.label == "refund|delivery")
    assert {str(topic).split()[0] for topic in topics} == of
    assert max(topics.values()) - min(topics.values()) <= 1
    assert {target.cell.topic for target in targets if target.cell.label == "|"} == {"| a", "| b"}


def test_pairs_of_few_texts_begin_with_different_topics() -> None:
    task = several_task()
    cells = [Cell(label=name, topic=f"{name} {t}", source_type="mail") for name in task.branch_names for t in range(8)]

    targets = targets_of_sets(task, cells, 3, ("refund|delivery", "refund|account", "delivery|account"), [])

    assert len({target.cell.topic for target in targets}) == 3
    assert len({str(target.cell.topic).split()[0] for target in targets}) > 1


def test_labels_without_topics_are_written_for_by_their_names() -> None:
    targets = targets_of_sets(several_task(), [], 5, ("refund|account", "|"), [])

    assert [(target.cell, target.rows) for target in targets] == [
        (Cell(label="refund|account"), 3),
        (Cell(label="|"), 2),
    ]


def test_a_label_whose_name_holds_what_stands_between_labels_is_written_for() -> None:
    names = ("tax|finance", "travel", "food")
    task = several_task().model_copy(update={"labels": tuple(Label(name=name) for name in names)})
    cells = [Cell(label=name, topic=f"of {name}") for name in task.branch_names]

    targets = targets_of_sets(task, cells, 24, (), [])

    assert sum(target.rows for target in targets) == 24
    assert {label for target in targets for label in task.labels_of(target.cell.label)} == set(names)
