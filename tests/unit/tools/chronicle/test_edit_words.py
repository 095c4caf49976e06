"""Edits are told in words, whatever they did."""

from __future__ import annotations

from typing import get_args

import pytest

from classwright_tools.chronicle.edit_words import edits_in_words
from classwright_tools.domain.edits import Edit


@pytest.mark.parametrize("action", get_args(Edit.model_fields["action"].annotation))
def test_every_action_has_words_without_a_name_of_the_code(action: str) -> None:
    edits = [
        Edit.model_validate(
            {
                "action": action,
                "reason": "",
                "when": "2026-01-01T00:00:00Z",
                "dataset": "support-d1",
                "label": "account",
            }
            | {"rows": {row: ""}, "to": "refund", "version": "support-d1", "person": person}
        )
        for row, person in (("a", "Bea"), ("b", "Tomasz"))
    ]

    told = edits_in_words(edits)

    assert len(told) == (action != "undo")
    assert not any(word in one for one in told for word in ("None", "_"))
    assert action in ("undo", "revert", "rename_label", "add_label", "describe_label") or "2 rows" in told[0]
