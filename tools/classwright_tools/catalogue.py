"""The catalogue: every tool there is, a line each. Importing it loads no heavy library."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

from classwright_tools import (
    annotate_examples,
    classify,
    edit_examples,
    error_analysis,
    evaluate,
    export_model,
    find_examples,
    finish_review,
    gan_augment,
    import_examples,
    prepare_review,
    propose_topics,
    submit_examples,
    synthesize_examples,
    train_classifier,
    undo_decision,
)
from classwright_tools.errors import InvalidInput
from classwright_tools.tool import ToolSpec

_IN_ORDER_OF_USE: tuple[ToolSpec[Any, Any], ...] = (
    propose_topics.TOOL,
    synthesize_examples.TOOL,
    submit_examples.TOOL,
    import_examples.TOOL,
    find_examples.TOOL,
    annotate_examples.TOOL,
    edit_examples.TOOL,
    train_classifier.TOOL,
    evaluate.TOOL,
    error_analysis.TOOL,
    gan_augment.TOOL,
    classify.TOOL,
    export_model.TOOL,
    prepare_review.TOOL,
    finish_review.TOOL,
    undo_decision.TOOL,
)


def catalogue(modules: Iterable[str] = ()) -> Mapping[str, ToolSpec[Any, Any]]:
    """Return every tool by its name: those of Classwright, then the `TOOL` of each of one's own `modules`.

    Raises:
        InvalidInput: a module cannot be imported, it has no `TOOL`, or the name of its tool is that of another.
    """
    tools = {tool.name: tool for tool in _IN_ORDER_OF_USE}
    for module in modules:
        tool = _tool_of(module)
        if tool.name in tools:
            raise InvalidInput(f"tool {tool.name!r} of {module!r}", "is there already", "Rename its function.")
        tools[tool.name] = tool
    return tools


def _tool_of(module: str) -> ToolSpec[Any, Any]:
    try:
        tool = getattr(import_module(module), "TOOL", None)
    except ModuleNotFoundError as error:
        reason = f"cannot be imported ({error})"
        raise InvalidInput(f"module {module!r}", reason, "Install it, or put its folder on PYTHONPATH.") from error
    except Exception as error:  # whatever its code raises
        reason = f"cannot be imported ({type(error).__name__}: {error})"
        raise InvalidInput(f"module {module!r}", reason, "Correct it, or take its --tool out.") from error
    if not isinstance(tool, ToolSpec):
        raise InvalidInput(f"module {module!r}", "has no TOOL", "Write TOOL = ToolSpec(...) at its end.")
    return tool
