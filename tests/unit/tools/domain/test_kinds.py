"""An id says of which kind of artifact it is, and an argument takes ids of one kind."""

from __future__ import annotations

from typing import get_args

import pytest
from pydantic import ValidationError

from classwright_tools.domain.kinds import (
    KINDS,
    ArtifactKind,
    AssignmentId,
    DatasetId,
    Kind,
    ModelId,
    ids_of,
    kind_of,
    task_of,
)
from classwright_tools.domain.noun import ToolRequest


class Compared(ToolRequest):
    """A request with ids of two kinds, one of which may be left out."""

    model: ModelId
    dataset: DatasetId | None = None
    assignment: AssignmentId = "shop-a1"
    note: str = ""


def test_every_kind_has_a_row_and_no_two_share_a_letter_or_a_folder() -> None:
    assert set(KINDS) == set(get_args(Kind))
    assert len({kind.letter for kind in KINDS.values()}) == len({kind.folder for kind in KINDS.values()}) == len(KINDS)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_an_id_tells_its_kind_and_its_task(kind: ArtifactKind) -> None:
    id_ = f"bank_12-{kind.letter}7"

    assert kind_of(id_) == kind
    assert task_of(id_) == "bank_12"


@pytest.mark.parametrize("text", ["", "shop", "shop-d", "shop-q1", "Shop-d1", "shop-d1\n", "shop-d1234567890", "-d1"])
def test_what_is_no_id_has_no_kind(text: str) -> None:
    assert kind_of(text) is None


def test_the_ids_of_a_request_are_found_in_its_types() -> None:
    assert ids_of(Compared) == {"model": "model", "dataset": "dataset", "assignment": "assignment"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"model": "shop-d1"}, "is the id of a dataset, not of a model: pass one as a tool returned it"),
        ({"model": "shop-m1", "dataset": "shop-t2"}, "is the id of a topic tree, not of a dataset"),
        ({"model": "shop"}, "is no id of a model: pass one as a tool returned it, such as banking12-m1"),
        ({"model": "shop-m1", "assignment": "shop-p1"}, "is the id of a plan, not of an assignment"),
    ],
)
def test_an_id_of_another_kind_is_refused_with_the_repair(fields: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Compared.model_validate(fields)


def test_a_caller_is_told_the_pattern_of_the_one_kind() -> None:
    schema = Compared.model_json_schema()["properties"]["model"]

    assert schema["pattern"] == "-m[0-9]{1,9}$"
