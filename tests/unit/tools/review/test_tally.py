"""The tally of a review is the same whether it was kept up as decisions arrived or reckoned of all of them at once."""

from __future__ import annotations

import random
from typing import Any

import pytest

from classwright_tools.domain.decision import Decision
from classwright_tools.domain.task import Task
from classwright_tools.review.decisions import mark_without_change, store
from classwright_tools.review.desk import Desk
from classwright_tools.review.overview import progress
from classwright_tools.review.shown_rows import stands
from classwright_tools.review.standing import Standing
from classwright_tools.workspace.workspace import Workspace
from support.review_team import BEA, NOBODY, ROWS, TOM, Team

SAID: list[dict[str, object]] = [
    {"action": "accept"},
    {"action": "relabel", "label": "refund"},
    {"action": "relabel", "label": "account"},
    {"action": "remove"},
    {"action": "flag"},
    {"action": "good_example"},
    {"action": "accept", "blind": True, "right": True},
    {"action": "relabel", "label": "delivery", "blind": True, "right": False},
    {"action": "relabel", "label": "delivery", "blind": True, "second": True},
]


def told(desk: Desk, standing: Standing) -> dict[str, Any]:
    """All that is told of where the rows stand, but the order of what has none."""
    tally = desk.tally(standing)
    return {
        **progress(desk, standing),
        "opinions": dict(tally.opinions),
        "disputed rows": set(tally.disputed),
        "actions": tally.actions,
        "rows": standing.rows,
        "waiting": standing.waiting,
        "stands": {row: stands(desk, standing, row) for row in desk.ids},
    }


def a_decision(random_: random.Random, number: int, standing: Standing) -> Decision:
    """A decision about a few rows, about many, a new text, one that takes another back, or a name."""
    id_ = f"decision-{number}"
    to_undo = [entry.decision.id for entry in standing.waiting]
    kind = random_.random()
    if kind < 0.1 and to_undo:
        return Decision(id=id_, action="undo", undoes=random_.choice(to_undo))
    if kind < 0.2:
        return Decision(id=id_, action="sign")
    if kind < 0.3:
        return Decision(id=id_, action="edit", rows=(random_.choice(ROWS),), text=f"quite another text {number % 3}")
    rows = random_.sample(ROWS, len(ROWS) if kind > 0.95 else random_.choice([1, 1, 1, 3]))
    return Decision.model_validate({"id": id_, "rows": rows, **random_.choice(SAID)})


@pytest.mark.parametrize("seed", range(3))
def test_what_is_kept_up_is_what_would_be_reckoned_anew(workspace: Workspace, task: Task, seed: int) -> None:
    team, random_ = Team(workspace, task), random.Random(seed)
    desk, kept_up = team.desk, Standing(workspace, task.slug)
    pages = [TOM, BEA, NOBODY, "Thomas-p1", "Ann-p4"]  # two of them give a name, or another one, later

    for number in range(60):
        decision = a_decision(random_, number, kept_up)
        store(workspace, task.slug, desk.dataset, random_.choice(pages), [decision])
        if number % 20 == 19:
            mark_without_change(workspace, desk.dataset, [entry.number for entry in kept_up.waiting[:10]])
        kept_up.refresh()

        assert told(desk, kept_up) == told(team.desk, team.standing), f"after decision {number}"


def test_a_name_that_is_given_later_changes_whose_word_it_is_and_nothing_else(workspace: Workspace, task: Task) -> None:
    team = Team(workspace, task)
    desk, standing = team.desk, Standing(workspace, task.slug)
    team.decide(NOBODY, ROWS[0], "remove")
    team.decide(NOBODY, ROWS[1], "flag")
    standing.refresh()
    before = progress(desk, standing)["decided"]
    assert not desk.tally(standing).opinions[ROWS[0]].said

    store(workspace, task.slug, desk.dataset, "Ann-p4", [Decision(id="signature", action="sign")])
    standing.refresh()

    assert desk.tally(standing).opinions[ROWS[0]].has("Ann")
    assert progress(desk, standing)["decided"] == before == {"remove": 1, "flag": 1}
    assert {row: stands(desk, standing, row) for row in ROWS[:2]} == {
        ROWS[0]: {"action": "remove", "id": "decision-1", "person": "Ann-p4", "done": [["remove", "Ann-p4"]]},
        ROWS[1]: {"action": "flag", "id": "decision-2", "person": "Ann-p4", "done": [["flag", "Ann-p4"]]},
    }
