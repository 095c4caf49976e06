"""The specification of a tool, in one place: its function, request and result, and its words for callers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from classwright_tools.context import ToolContext
from classwright_tools.domain.kinds import Kind, ids_of, task_of
from classwright_tools.domain.noun import ToolRequest, ToolResult
from classwright_tools.domain.task import Task
from classwright_tools.errors import InvalidInput
from classwright_tools.work import Sizes, Work

if TYPE_CHECKING:
    from classwright_tools.estimates.parts import Workload

Q = TypeVar("Q", bound=ToolRequest)
R = TypeVar("R", bound=ToolResult)
_EMBEDDED: frozenset[Kind] = frozenset({"model", "augmentation", "annotation"})
"""Kinds that are made of embeddings."""


@dataclass(frozen=True, kw_only=True)
class ToolText:
    """The words for callers about a tool, before a call. The four flags are MCP's hints."""

    title: str
    description: str
    reads_only: bool = False
    """It stores nothing. What makes a report does not read only: the report takes room, and is listed."""
    destroys: bool = False
    repeatable: bool = False
    """A call that is repeated changes nothing more."""
    outward: bool = False
    """It may talk to a language model or to the hub."""


@dataclass(frozen=True, kw_only=True)
class ToolSpec(Generic[Q, R]):
    """A tool: the server derives its schemas, its checks and its lane from this, and its reference is written by it."""

    run: Callable[[Q, ToolContext], R]
    """May be called again with the same `run_key` after a crash, and then makes nothing twice."""
    request: type[Q]
    """The arguments. Fields of the types `DatasetId`, `ModelId`, ... are looked up before a call begins."""
    result: type[R]
    """The answer. It is linked to the artifacts that fields of those types name."""
    work: Callable[[Q, Sizes], Work]
    """Judges how much work a call is."""
    text: ToolText
    workload: Callable[[Q, ToolContext], Workload] | None = None
    """Says in full what a call will do, for the estimate of what it takes; it may measure the pace of an encoder."""
    dry_run: bool = False
    """Whether a call may ask for the estimate alone: where it is one of minutes or of money."""
    makes: tuple[Kind, ...] = ()
    """The kinds of artifacts that it may make."""
    multi_label: bool = False
    """It takes tasks whose rows have several labels."""
    before_labels: bool = False
    """It takes tasks that have no labels yet."""
    instead: str = ""
    """What does its work for such tasks, in a sentence, where it does not take them."""
    check: Callable[[Q, Task], None] | None = None
    """Raises an `InvalidInput` for what the request's task rules out: before an estimate, and before a job."""
    makes_task: bool = False
    """Its `task` need not be there yet."""
    job: Literal["always", "never", "to write", "if large"] = "always"
    """When a call is a job, and not answered at once.

    "to write": where the server has a language model; "if large": where it reads more than `AT_ONCE_BYTES`.
    """
    for_page: bool = False
    """The review page calls it, and no model does."""
    embeds_with: tuple[str, ...] = ()
    """The arguments with which it embeds texts also where it names no model."""
    embeds_what_it_writes: bool = False
    """Where the server has a language model, what that wrote is embedded, to check the labels."""

    @property
    def name(self) -> str:
        """The name of its function and of its file."""
        return self.run.__name__

    def embeds(self, arguments: Mapping[str, Any], *, writes: bool) -> bool:
        """Whether a call embeds texts, judged by what it makes and names, and by whether the server `writes` itself.

        What embeds takes seconds to import.
        """
        named = {kind for name, kind in ids_of(self.request).items() if arguments.get(name)}
        given = [arguments.get(name) for name in self.embeds_with]
        asked = any(value is not None and value is not False for value in given)  # 0 groups are some
        return asked or (writes and self.embeds_what_it_writes) or not _EMBEDDED.isdisjoint({*self.makes, *named})

    def kind_of(self, work: Work) -> str:
        """Return the kind of job that `work` is: others of the kind take as long for as much."""
        return f"{self.name} by {work.method}" if work.method else self.name


def returned(tool: ToolSpec[Q, R], found: object) -> R:
    """Return what a run of `tool` gave back.

    Raises:
        InvalidInput: it is not the result that the tool declares.
    """
    if isinstance(found, tool.result):
        return found
    reason = f"returned a {type(found).__name__}, and its result is declared to be a {tool.result.__name__}"
    whose = f"tool {tool.name!r} ({tool.run.__module__})"
    raise InvalidInput(whose, reason, "Correct its function, and start the server again.")


def task_named(request: ToolRequest) -> str | None:
    """Return the task that a request is about: its own field, or that of the first artifact that it names."""
    named = first_id(request)
    return getattr(request, "task", None) or (task_of(named) if named else None)


def first_id(request: ToolRequest) -> str:
    """Return the id of the first artifact that a request names; "" if it names none."""
    ids = (getattr(request, name) for name in ids_of(type(request)))
    return next((id_ for id_ in ids if id_), "")
