"""What the tests of pair tasks share: searches in a shop, each with products that fit it and products that do not."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

from classwright_tools.domain.example import Example, Split, make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace

KINDS = {
    "drill": "cordless drill driver with two batteries",
    "lamp": "table lamp with a linen shade",
    "hose": "garden hose with brass fittings",
    "kettle": "electric kettle with automatic shut-off",
    "rug": "woven rug for the living room",
    "chair": "folding chair with a padded seat",
    "heater": "ceramic space heater with thermostat",
    "paint": "interior wall paint, washable",
}
TRAITS = ("red", "small", "outdoor", "heavy duty")


def pair_task(workspace: Workspace) -> Task:
    """Save the task `shop` and return it."""
    return workspace.save_task(
        Task(
            slug="shop",
            instruction="Tell whether a product is what the search asks for.",
            labels=(Label(name="fits"), Label(name="mismatch", description="another kind of product")),
            kind="pair",
            mismatch="mismatch",
        )
    )


def pair_rows(kinds: tuple[str, ...] = tuple(KINDS)) -> list[Example]:
    """Return for every kind and trait a pair that fits, and one whose product is of the next kind."""
    rows = []
    for place, (kind, trait) in enumerate(product(kinds, TRAITS)):
        others = [other for other in KINDS if other != kind]
        other = others[place % len(others)]
        rows.append(make_example(f"{trait} {kind}", "fits", text_pair=f"{trait} {KINDS[kind]}"))
        rows.append(make_example(f"{trait} {kind}", "mismatch", text_pair=f"{trait} {KINDS[other]}"))
    return rows


def save_pairs(workspace: Workspace, rows: Mapping[Split, list[Example]], run_key: str = "pairs") -> str:
    """Save a dataset of the task `shop` and return its id."""
    return save_dataset(workspace, "shop", rows, parent=None, run_key=run_key, made_by="import_examples").id
