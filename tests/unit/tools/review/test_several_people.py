"""Several people on the same rows: whose word is whose is kept, nobody's is lost, who differs is told until settled."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classwright_tools.domain.changes import Change
from classwright_tools.domain.decision import Decision, name_in
from classwright_tools.domain.look import Look
from classwright_tools.domain.opinions import GONE
from classwright_tools.domain.selection import RowFilter, RowSelection
from classwright_tools.domain.task import Task
from classwright_tools.edit_examples import EditExamplesRequest, edit_examples
from classwright_tools.errors import NotEnoughData, NotFound
from classwright_tools.review.decisions import store
from classwright_tools.review.people import otherwise
from classwright_tools.review.pictures import insights
from classwright_tools.review.shown_rows import shown_rows
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on
from support.review import review_rows
from support.review_team import BEA, INES, LABEL, NOBODY, OTHER, ROWS, TOM, Team


@pytest.fixture
def team(workspace: Workspace, task: Task) -> Team:
    return Team(workspace, task)


def test_a_saved_decision_keeps_the_name_of_who_took_it_and_is_found_by_it(team: Team) -> None:
    row, other = ROWS[:2]
    before = team.desk.dataset
    team.label(BEA, row, OTHER[str(LABEL[row])])
    team.decide(TOM, other, "flag")

    saved = team.save()

    assert "Bea 1" in saved.summary
    assert "Tomasz 1" in saved.summary
    found = team.find(where={"decided_by": "bea"})
    assert [one.id for one in found.rows] == [row]
    assert "by Bea, " in (found.rows[0].note or "")
    compared = team.find(compare_to=before, where={"decided_by": "Bea"})
    assert [one.id for one in compared.rows] == [row]
    assert "by Bea, " in (compared.rows[0].note or "")
    with pytest.raises(NotFound, match="Did you mean 'Tomasz'"):
        team.find(where={"decided_by": "Thomas"})


@pytest.mark.parametrize("saved_between", [False, True])
def test_the_first_word_is_kept_where_another_overrules_it_until_somebody_who_knows_both_settles_it(
    team: Team, *, saved_between: bool
) -> None:
    row = ROWS[0]
    first, second = str(LABEL[row]), OTHER[str(LABEL[row])]
    team.label(TOM, row, first)
    if saved_between:
        team.save()
    team.label(BEA, row, second)

    desk, standing = team.desk, team.standing
    disputed = desk.tally(standing).disputed.values()
    assert otherwise(disputed, "Tomasz") == {"Bea": {"rows": 1, "yours": 0}}
    assert otherwise(disputed, "bea") == {"Tomasz": {"rows": 1, "yours": 1}}
    (shown,) = shown_rows(desk, [desk.place_of[row]], standing, None)
    assert shown["disputed"] == {"Tomasz": first, "Bea": second}
    assert desk.find(Look(state="disputed"), standing, None).tolist() == [desk.place_of[row]]
    assert desk.find(Look(where=RowFilter(decided_by="tomasz")), standing, None).tolist() == [desk.place_of[row]]

    assert "differ about 1 row" in team.save().summary
    found = team.find(mark="disputed")
    assert [(one.id, one.label) for one in found.rows] == [(row, second)]
    assert f"disputed: Tomasz {first!r}, Bea {second!r}" in (found.rows[0].note or "")

    team.label(INES, row, first)
    team.save()

    assert team.find(mark="disputed").rows == ()
    assert team.label_of(row) == first
    assert team.kept.of_row[row].said == {"Tomasz": first, "Bea": second, "Ines": first}


@pytest.mark.parametrize("saved_between", [False, True])
def test_that_no_label_fits_is_an_answer_from_which_others_differ(team: Team, *, saved_between: bool) -> None:
    (row, _) = [row.id for row in review_rows()["unlabelled"]]
    said = {"Tomasz": "none of the labels", "Bea": "refund"}
    team.decide(TOM, row, "fits_none")
    if saved_between:
        assert "decided on 1 row: Tomasz 1" in team.save().summary
    team.label(BEA, row, "refund")

    assert team.desk.tally(team.standing).disputed[row].told == said
    team.save()
    assert team.kept.of_row[row].told == said
    assert team.label_of(row) == "refund"
    assert team.find(mark="fits_none").rows == ()


def test_who_had_not_heard_of_the_others_settles_nothing(team: Team) -> None:
    row = ROWS[0]
    team.label(TOM, row, "account")
    team.label(BEA, row, "delivery")

    team.label(INES, row, "account", known=0)

    assert row in team.desk.tally(team.standing).disputed


def test_an_edit_in_the_chat_settles_it(team: Team) -> None:
    row = ROWS[0]
    team.label(TOM, row, "account")
    team.label(BEA, row, "delivery")
    team.save()

    change = Change(action="relabel", rows=RowSelection(mark="disputed"), label="account")
    edit_examples(
        EditExamplesRequest(task="support", changes=(change,), reason="Tomasz is right"), context_on(team.workspace)
    )

    assert team.find(mark="disputed").rows == ()
    assert team.label_of(row) == "account"


def test_a_second_opinion_is_asked_without_the_first_and_changes_no_label(team: Team) -> None:
    rows = ROWS[:4]
    for row in rows:
        team.decide(TOM, row, "accept")
    desk, standing = team.desk, team.standing
    asked = desk.find(Look(not_by="Bea"), standing, None).tolist()
    assert [desk.ids[place] for place in asked] == rows
    assert not any({"stands", "disputed"} & set(one) for one in shown_rows(desk, asked, standing, None, hidden=True))
    assert desk.find(Look(not_by="Tomasz"), standing, None).tolist() == []

    for row in rows[:3]:
        team.label(BEA, row, str(LABEL[row]), blind=True)
    team.label(BEA, rows[3], OTHER[str(LABEL[rows[3]])], blind=True)
    figures = insights(team.desk, team.standing, None, asked)["people"]
    saved = team.save()

    assert team.desk.find(Look(not_by="bea"), team.standing, None).tolist() == []
    assert [team.label_of(row) for row in rows] == [LABEL[row] for row in rows]
    assert [one.id for one in team.find(mark="disputed").rows] == [rows[3]]
    (agreement,) = figures["agreement"]
    assert (agreement["names"], agreement["rows"], agreement["same"]) == (["Bea", "Tomasz"], 4, 3)
    assert agreement["share"]["low"] < 0.75 < agreement["share"]["high"]
    assert "Of 4 rows that Bea, Tomasz answered independently they agree on 3 (75%" in saved.summary


def test_a_decision_that_is_undone_is_no_opinion_any_more(team: Team) -> None:
    row = ROWS[0]
    team.label(TOM, row, "account")
    team.label(BEA, row, "delivery")
    last = team.standing.entries[0].decision.id
    undo = Decision(id="undo-the-last", action="undo", undoes=last)
    store(team.workspace, "support", team.desk.dataset, BEA, [undo])

    team.save()

    assert team.label_of(row) == "account"
    assert team.find(mark="disputed").rows == ()


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from([TOM, BEA, INES, NOBODY]),
            st.sampled_from(ROWS[:3]),
            st.sampled_from(["account", "delivery", "remove"]),
            st.booleans(),
        ),
        st.sampled_from(["save", "killed while saving"]),
    ),
    max_size=14,
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_no_decision_is_lost_whoever_overrules_whom_and_wherever_a_save_is_cut_off(
    task: Task, steps: list[object]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        workspace.save_task(task)
        team = Team(workspace, task)
        stands, said = dict(LABEL), dict[str, dict[str, str]]()
        decided: set[str] = set()
        for step in [*steps, "save"]:
            if isinstance(step, str):
                _save(team, killed=step != "save")
                continue
            person, row, what, blind = step  # type: ignore[misc]
            if row not in team.desk.place_of:
                continue  # it was removed, in a version that is there
            key = GONE if what == "remove" else what
            label = {} if what == "remove" else {"label": what}
            name = name_in(person)
            is_second = blind and team.desk.is_of_another(row, team.standing, person)
            team.decide(person, row, "remove" if what == "remove" else "relabel", blind=blind, **label)
            if not is_second:
                stands[row] = None if what == "remove" else what
                decided.add(row)
            if name:
                said.setdefault(row, {})[name] = key
        for row in decided:
            assert team.label_of(row) == stands[row]
        kept = team.kept.of_row
        for row, words in said.items():
            assert kept[row].said == words


def _save(team: Team, *, killed: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if killed:
            patch.setattr("classwright_tools.review.decisions.mark_made", _cut_off)
        with contextlib.suppress(NotEnoughData, KeyboardInterrupt):
            team.save()


def _cut_off(*_: object, **__: object) -> None:
    raise KeyboardInterrupt
