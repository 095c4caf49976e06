"""Groups of written rows: what hurts is named, what helps is not, and the newest round is always told."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from classwright_tools.domain.example import Example, Provenance, make_example
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.measurement.held_out import Answers
from classwright_tools.measurement.row_groups import contrasts_help, group_effects
from support.measurement import answers_of

LABELS = ("left", "right")


def row(
    label: str, place: float, number: int, round_: int, topic: str | None = None, contrast: str | None = None
) -> Example:
    made = Provenance(cell=Cell(label=label, topic=topic), contrast=contrast, round=round_, writer="recorded")
    return make_example(f"{place:.3f} {number} {round_}", label, origin="written", provenance=made)


def embed(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return unit vectors (n, 2) whose direction is the number that a text begins with."""
    angles = np.array([float(text.split()[0]) for text in texts])
    return np.stack([np.sin(angles), np.cos(angles)], axis=1)


def told(done: float) -> None:
    assert 0 <= done < 1


def real_rows(number: int = 60) -> Answers:
    places = np.linspace(-1, 1, number)
    true = (places > 0).astype(int)
    return answers_of(true, np.eye(2)[true], LABELS, [f"{place:.3f} real" for place in places])


def first_round() -> list[Example]:
    return [
        row(label, side * (0.1 + 0.04 * number), number, 0, topic=f"topic {number % 2}")
        for label, side in (("left", -1), ("right", 1))
        for number in range(20)
    ]


def test_a_round_whose_rows_are_on_the_wrong_side_hurts_and_is_told_as_such() -> None:
    wrong = [row("left", 0.3 + 0.02 * number, number, 1, contrast="right") for number in range(30)]

    first, *others = group_effects([*first_round(), *wrong], real_rows(), embed, told)

    assert (first.group, first.rows, first.won, first.hurts) == ("round 1", 30, 0, True)
    assert first.lost > 10
    assert first.sentence.endswith("they hurt.")
    assert {effect.group for effect in others} == {"all contrasts", "texts of 'left' like 'right'"}
    assert not contrasts_help([first, *others])


def test_a_round_that_helps_is_told_and_nothing_is_said_to_hurt() -> None:
    lopsided = [one for one in first_round() if one.label == "left" or one.text.startswith("0.8")]
    good = [row("right", 0.02 + 0.02 * number, number, 1, contrast="left") for number in range(20)]

    effects = group_effects([*lopsided, *good], real_rows(), embed, told)

    assert [effect.group for effect in effects] == ["round 1", "all contrasts"]
    assert effects[0].won > effects[0].lost
    assert not any(effect.hurts for effect in effects)
    assert contrasts_help(effects)


def test_a_topic_that_hurts_is_named() -> None:
    wrong = [row("left", 0.3 + 0.02 * number, number, 0, topic="mixed up") for number in range(30)]
    harmless = [row("left", -0.5 - 0.02 * number, number, 1, topic="fine") for number in range(6)]

    effects = group_effects([*first_round(), *wrong, *harmless], real_rows(), embed, told)

    assert [(effect.group, effect.hurts) for effect in effects] == [
        ("round 1", False),
        ("topic 'mixed up' of 'left'", True),
    ]
    assert "no gain beyond chance" in effects[0].sentence


def test_before_a_second_round_there_is_nothing_to_tell() -> None:
    assert group_effects(first_round(), real_rows(), embed, told) == ()
    assert contrasts_help(())
