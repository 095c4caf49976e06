"""How far people agree is told of all that they answered without seeing each other's answers, alike or not."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classwright_tools.domain.decision import name_in
from classwright_tools.domain.opinions import GONE
from classwright_tools.domain.task import Task
from classwright_tools.find_examples import FindExamplesRequest, find_examples
from classwright_tools.review.people import independent_answers
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on
from support.review_team import BEA, INES, LABEL, OTHER, ROWS, TOM, Team


@pytest.fixture
def team(workspace: Workspace, task: Task) -> Team:
    return Team(workspace, task)


def test_two_who_decide_at_once_are_counted_where_they_differ_and_where_they_agree(team: Team) -> None:
    for row in ROWS[:4]:
        team.label(TOM, row, str(LABEL[row]))
    for row in ROWS[:2]:
        team.label(BEA, row, str(LABEL[row]), blind=True)
    team.label(BEA, ROWS[2], str(LABEL[ROWS[2]]), heard=0)
    team.label(BEA, ROWS[3], OTHER[str(LABEL[ROWS[3]])], heard=0)

    saved = team.save()

    assert "Of 4 rows that Bea, Tomasz answered independently they agree on 3 (75%" in saved.summary
    assert "2 rows have a second opinion, given blind: it changes no label." in saved.summary
    assert "2 rows were decided on again: the last word counts." in saved.summary
    team.label(INES, ROWS[3], str(LABEL[ROWS[3]]))

    assert "Of 4 rows that Bea, Tomasz answered independently they agree on 3 (75%" in team.save().summary


def test_what_was_decided_in_sight_of_anothers_answer_does_not_count(team: Team) -> None:
    team.label(TOM, ROWS[0], "account")
    team.label(BEA, ROWS[0], "delivery")
    team.label(INES, ROWS[0], "delivery", blind=True)

    assert "Of 1 row that Ines, Tomasz answered independently they agree on 0" in team.save().summary


def test_a_row_that_was_shown_later_than_the_page_last_heard_counts_as_seen(team: Team) -> None:
    team.label(TOM, ROWS[0], "account")
    team.label(BEA, ROWS[0], "account", known=0, heard=team.standing.cursor)

    assert "independently" not in team.save().summary


def test_whoever_settles_a_quarrel_before_it_is_saved_settles_it_also_after_a_blind_answer(team: Team) -> None:
    team.label(TOM, ROWS[0], "account")
    team.label(BEA, ROWS[0], "delivery", blind=True)
    team.label(TOM, ROWS[0], "refund")

    saved = team.save()

    assert "differ" not in saved.summary
    assert team.kept.of_row[ROWS[0]].independent == {"Tomasz": "account", "Bea": "delivery"}


def test_what_is_open_names_the_rows_about_which_persons_differ_and_the_history_who_decided(team: Team) -> None:
    team.label(TOM, ROWS[0], "account")
    team.label(BEA, ROWS[0], "delivery", heard=0)
    team.label(TOM, ROWS[1], "account")
    team.label(BEA, ROWS[1], "delivery", blind=True)
    team.save()

    answer = find_examples(FindExamplesRequest(task="support", history=True), context_on(team.workspace))

    (line,) = answer.tasks
    assert any("Persons differ about 2 rows" in one and "mark='disputed'" in one for one in line.open)
    edited = answer.history[0]
    assert edited.by == "Bea, Tomasz on the review page"
    assert "2 rows" in edited.what
    assert "None" not in edited.what


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([TOM, BEA, INES]),
            st.sampled_from(ROWS[:2]),
            st.sampled_from(["account", "delivery", "remove"]),
            st.booleans(),
            st.integers(0, 3),
        ),
        st.just("save"),
    ),
    max_size=14,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_in_any_order_the_answers_that_count_are_those_given_without_anothers_being_shown(
    task: Task, steps: list[object]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        workspace.save_task(task)
        team = Team(workspace, task)
        given_on: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        table: defaultdict[str, dict[str, str]] = defaultdict(dict)
        shown: set[tuple[str, str]] = set()
        saved = 0
        for step in steps:
            if isinstance(step, str):
                if team.standing.waiting:
                    team.save()
                saved = team.standing.cursor
                continue
            person, row, what, blind, late = step  # type: ignore[misc]
            if row not in team.desk.place_of:
                continue  # it was removed, in a version that is there
            name = str(name_in(person))
            heard = max(saved, team.standing.cursor - late)  # a page that shows a version has heard all before it
            if not blind and any(number <= heard for number, other in given_on[row] if other != name):
                shown.add((row, name))
            label = {} if what == "remove" else {"label": what}
            team.decide(person, row, "remove" if label == {} else "relabel", blind=blind, heard=heard, **label)
            given_on[row].append((team.standing.cursor, name))
            if (row, name) not in shown:
                table[row][name] = GONE if label == {} else what
        expected = sorted(sorted(said.items()) for said in table.values() if len(said) > 1)
        if team.standing.waiting:
            desk = team.desk
            assert _answers(desk.tally(team.standing).opinions.values()) == expected or not all(
                row in desk.place_of for row in table
            )
            team.save()
        assert _answers(team.kept.of_row.values()) == expected


def _answers(opinions: object) -> list[list[tuple[str, str]]]:
    return sorted(sorted(said.items()) for said in independent_answers(opinions))  # type: ignore[arg-type]
