"""The answers on what there is and what happened: as many tasks, and events of theirs, as an answer holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from classwright_tools.chronicle.events import events, happened
from classwright_tools.chronicle.task_lines import readable_line
from classwright_tools.domain.excerpt import Excerpts, counted
from classwright_tools.domain.noun import Part
from classwright_tools.domain.task_line import Event, TaskLine
from classwright_tools.domain.uris import TASKS_URI, task_uri
from classwright_tools.workspace.workspace import Workspace

EVENTS_BYTES = 3_000
"""Of an answer on all tasks, at least: what happened last is worth more than a sixth task's line."""


class Told(NamedTuple):
    """What an answer tells of tasks: its words, and the place from which on there is more."""

    summary: str
    next_step: str
    tasks: tuple[TaskLine, ...]
    history: tuple[Event, ...]
    next_offset: int | None
    parts: dict[str, Part]


def all_tasks(workspace: Workspace, offset: int, limit: int, max_bytes: int) -> Told:
    """Return the tasks of `workspace` from `offset` on, up to `limit` in `max_bytes`, and what happened in them last.

    Tasks are in the order of their last event, the newest first.
    """
    made = {slug: happened(workspace, slug) for slug in workspace.tasks()}
    slugs = sorted(made, key=lambda slug: made[slug][0].created.timestamp() if made[slug] else 0.0, reverse=True)
    page = slugs[offset : offset + limit]
    excerpts = Excerpts(TASKS_URI)
    lines = _fitting([readable_line(workspace, slug) for slug in page], max_bytes - EVENTS_BYTES)
    left = max_bytes - sum(len(line.model_dump_json().encode()) for line in lines)
    newest = sorted(
        (one for line in lines for one in made[line.task]), key=lambda one: one.created.timestamp(), reverse=True
    )
    told = excerpts.of("history", events(workspace, newest[:limit]), left, least=0)
    excerpts.note("tasks", len(lines), len(slugs))
    excerpts.note("history", len(told), len(newest))
    end = offset + len(lines)
    more = end if end < len(slugs) and lines else None
    if not slugs:
        summary = "There is no task yet."
        step = "Begin with propose_topics: it makes a task, which import_examples brings rows to."
    elif not lines:
        summary, step = f"{counted(len(slugs), 'task is', 'tasks are')} there.", "The newest of them: find_examples()."
    else:
        of_them = ", ".join(f"{line.task} ({_used(line)})" for line in lines)
        summary = f"{counted(len(slugs), 'task is', 'tasks are')} there: {of_them}."
        history = f"What happened in one: find_examples(task={lines[0].task!r}, history=true)."
        step = _next(lines, f"More tasks: find_examples(offset={more}). {history}" if more else history)
    return Told(summary, step, tuple(lines), told, more, excerpts.parts)


def one_task(workspace: Workspace, slug: str, offset: int, limit: int, max_bytes: int) -> Told:
    """Return the task `slug` and what happened in it, from `offset` on, up to `limit` events in `max_bytes`.

    Raises:
        NotFound: there is no such task.
    """
    line = readable_line(workspace, workspace.task(slug).slug)
    made = happened(workspace, slug)
    excerpts = Excerpts(task_uri(slug))
    left = max_bytes - len(line.model_dump_json().encode())
    told = excerpts.of("history", events(workspace, made[offset : offset + limit]), left)
    end = offset + len(told)
    more = end if end < len(made) and told else None
    excerpts.note("history", len(told), len(made))
    summary = f"{slug}: {_used(line)}. {counted(len(made), 'event')}, the newest first."
    call = f"find_examples(task={slug!r}, history=true, offset={more})"
    step = _next([line], f"Earlier ones: {call}." if more else "")
    return Told(summary, step, (line,), told, more, excerpts.parts)


def _used(line: TaskLine) -> str:
    found = line.in_use
    return f"{found.model}, in use since {found.since}: {found.figure}" if found else "no model yet"


def _next(lines: Sequence[TaskLine], more: str) -> str:
    rows = f"Its rows: find_examples(task={lines[0].task!r})."
    return " ".join(filter(None, (more, rows, "Jobs that run: list_jobs.")))


def _fitting(lines: Sequence[TaskLine], max_bytes: int) -> list[TaskLine]:
    """Return the first of `lines` that fit, one at least."""
    kept: list[TaskLine] = []
    for line in lines:
        max_bytes -= len(line.model_dump_json().encode())
        if kept and max_bytes < 0:
            break
        kept.append(line)
    return kept
