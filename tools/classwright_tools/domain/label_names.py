"""Labels by name: how those that a model knows differ from those that its task has by now."""

from __future__ import annotations

from collections.abc import Sequence

from classwright_tools.domain.excerpt import listed

_LISTED = 5


def other_labels(model: str, known: Sequence[str], task: Sequence[str]) -> str:
    """Return the sentence on labels of `task` that `model` does not know, and on those it knows that are none now.

    `known` are the model's labels. Nothing is said where they are the task's.
    """
    new = [repr(name) for name in task if name not in known]
    old = [repr(name) for name in known if name not in task]
    if not new and not old:
        return ""
    parts = [f"does not know {listed(new, _LISTED)}"] if new else []
    parts += [f"still answers with {listed(old, _LISTED)}"] if old else []
    return f"The task's labels have changed since {model} was trained: it {' and '.join(parts)}."
