"""The rows that are out of a model's scope: unlike all that it learnt, and so maybe of none of its labels."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from classwright_tools.context import ToolContext
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.pair import Content
from classwright_tools.errors import InvalidInput
from classwright_tools.learning.classifier import ROWS_AT_ONCE, assessed
from classwright_tools.learning.model import load_model


def foreign_rows(context: ToolContext, rows: Mapping[str, Content], model_id: str) -> dict[str, str]:
    """Return the ids of those of `rows`, contents by id, that are out of the model's scope, with how far.

    The farthest come first.

    Raises:
        NotFound: there is no such model, or its encoder is not on this machine.
        DamagedArtifact: it does not read back.
        InvalidInput: it does not tell what is out of its scope.
    """
    context.progress(0.0, f"loading {model_id}")
    model = load_model(context.workspace, model_id)
    scope = model.card.scope
    if scope is None or model.scope is None:
        raise InvalidInput(
            f"model {model_id!r}",
            "does not tell what is out of its scope: it is of pairs, is older than that, or was trained with too few "
            "rows to hold out",
            "Train it again, with some 20 real validation rows, or look by `doubt='unsure'`.",
        )
    if not rows:
        return {}

    k = len(model.card.labels)
    ids, contents, parts = list(rows), list(rows.values()), []
    for start in range(0, len(rows), ROWS_AT_ONCE):
        context.progress(start / len(rows), f"reading {counted(len(rows), 'row')}")
        parts.append(np.asarray(assessed(model.classifier, contents[start : start + ROWS_AT_ONCE], k).likeness))
    likeness = np.concatenate(parts)
    order = np.argsort(likeness, kind="stable")[: int((likeness < scope.likeness).sum())]
    return {
        ids[place]: f"cosine to the nearest label's mean {likeness[place]:.2f}, below {scope.likeness:.2f}"
        for place in order.tolist()
    }
