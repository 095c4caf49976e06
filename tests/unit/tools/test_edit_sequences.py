"""Any edits where rows may have several labels: each row is what a simple model says, and all comes back."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.context import ToolContext
from classwright_tools.domain.example import Provenance
from classwright_tools.domain.label_sets import in_order
from classwright_tools.domain.row_history import history
from classwright_tools.workspace.datasets import read_edits, save_dataset
from classwright_tools.workspace.workspace import Workspace
from support.editing import bytes_of, editor, rows_of
from support.several import LABELS, several_rows, several_task

MADE = Provenance(round=2, writer="recorded")
ROWS = [
    row if number % 2 else row.model_copy(update={"origin": "written", "provenance": MADE})
    for number, row in enumerate(several_rows())
]
WORDS = "the"
A_CALL = 3  # changes: what one call takes out another one puts back, or the same one
places = st.integers(0, 5)
steps = st.lists(
    st.tuples(
        st.sampled_from(["rename", "merge", "split", "drop", "add", "relabel", "remove", "restore"]), places, places
    ),
    min_size=1,
    max_size=8,
)
Sets = dict[str, set[str]]


class Model:
    """What the rows have, and what the task's labels are, after steps; each step also as a change of the tool."""

    def __init__(self) -> None:
        self.labels = list(LABELS)
        self.rows: Sets = {row.id: set(row.labels or ()) for row in ROWS}
        self.gone: dict[str, set[str] | None] = {}
        self.number = 0

    def take(self, step: str, first: int, second: int) -> dict[str, Any] | None:
        """Take a step; return the change that does it, None where there is nothing that it could do."""
        label, other = (self.labels[place % len(self.labels)] for place in (first, second))
        self.number += 1
        fresh = f"label {self.number}"
        if step == "rename":
            self._become(label, {fresh})
            return {"action": "rename_label", "label": label, "to": fresh}
        if step == "merge" and label != other and len(self.labels) > 2:
            self._become(label, {other})
            return {"action": "merge_label", "label": label, "to": other}
        if step == "drop" and len(self.labels) > 2:
            self._become(label, set())
            return {"action": "remove_label", "label": label}
        if step == "split":
            texts = {row.id for row in ROWS if WORDS in row.text}
            self._become(label, {f"{fresh} a"}, f"{fresh} b", texts)
            parts = [{"label": f"{fresh} b", "rows": {"where": {"text": WORDS}}}, {"label": f"{fresh} a"}]
            return {"action": "split_label", "label": label, "into": parts}
        if step == "add":
            self.labels.append(fresh)
            return {"action": "add_label", "label": fresh}
        row = ROWS[first].id
        if step == "relabel" and row in self.rows:
            self.rows[row] = {label, other}
            return {"action": "relabel", "rows": {"ids": [row]}, "label": f"{label}|{other}"}
        if step == "remove" and row in self.rows:
            self.gone[row] = self.rows.pop(row)
            return {"action": "remove", "rows": {"ids": [row]}}
        if step == "restore" and (found := self.gone.get(row)) is not None:
            del self.gone[row]
            self.rows[row] = found
            return {"action": "restore", "rows": {"ids": [row]}}
        return None

    def _become(self, old: str, new: set[str], split: str = "", texts: frozenset[str] | set[str] = frozenset()) -> None:
        """Let rows have `new` for `old`, those of `texts` the label `split`; rows that are gone cannot be split."""
        for row, labels in self.rows.items():
            if old in labels:
                self.rows[row] = labels - {old} | ({split} if row in texts else new)
        for row, found in self.gone.items():
            if found and old in found:
                self.gone[row] = None if split else found - {old} | new
        self.labels = [name for name in self.labels if name != old] + sorted((new | {split}) - {"", *self.labels})


@settings(max_examples=12)
@given(steps)
def test_after_any_edits_rows_are_what_they_should_be_and_the_first_version_comes_back(
    steps: list[tuple[str, int, int]],
) -> None:
    with tempfile.TemporaryDirectory() as here:
        workspace = Workspace(Path(here))
        workspace.save_task(several_task())
        save_dataset(workspace, "mail", {"train": ROWS}, parent=None, run_key="rows", made_by="t")
        edit = editor(ToolContext(workspace=workspace, run_key="r"), "mail")
        model = Model()
        changes = [change for step in steps if (change := model.take(*step))]
        for start in range(0, len(changes), A_CALL):
            edit(*changes[start : start + A_CALL])

        newest = workspace.latest("dataset", "mail")
        assert newest
        there = rows_of(workspace, newest.id)
        names = workspace.task("mail").label_names
        assert {row.id: set(row.labels or ()) for row in there.values()} == model.rows
        assert set(names) == set(model.labels)
        edits = read_edits(workspace, newest.id)
        for before in ROWS:
            if (row := there.get(before.id)) is None:
                continue
            assert row.labels == in_order(row.labels or (), names)
            assert (row.origin, row.provenance) == (before.origin, before.provenance)
            past = history(edits, row.id, row.label_key)
            assert (past[-1].label if past else row.label_key) == before.label_key
        edit(revert_to="mail-d1")
        again = workspace.latest("dataset", "mail")
        assert again
        assert bytes_of(workspace, again.id) == bytes_of(workspace, "mail-d1")
        assert workspace.task("mail").label_names == LABELS
        workspace.engine.dispose()
