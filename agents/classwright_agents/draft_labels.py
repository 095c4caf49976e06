"""Labels drafted from texts whose kinds nobody knows: the texts in groups by meaning, as a server puts them."""

from __future__ import annotations

import re
import tempfile
from contextlib import closing
from itertools import chain, count
from pathlib import Path
from typing import Any

from classwright_agents.errors import TaskFileError
from classwright_agents.journal import Journal
from classwright_agents.plain import say
from classwright_agents.server import connect
from classwright_agents.steps import Steps
from classwright_agents.task_file import DEFAULT_COMMAND, ServerEntry
from classwright_tools.contract import FindExamplesResult, ImportExamplesResult, ProposeTopicsResult, TextGroup

EXAMPLES = 3  # of a label
NAME_WORDS = 3
MOST_DRAFTED, BROADER = (
    40,
    20,
)  # labels that a person reads through, and as many groups as are made where there are more
_CUT = "…"


class _Quiet:
    """Watches the steps: the texts are read in seconds, or in minutes where they are many, as is said before."""

    def progress(self, _fraction: float | None, _message: str) -> None:
        """Tell nothing."""


async def drafted_labels(texts: Path, column: str, task: str, instruction: str) -> list[dict[str, Any]]:
    """Return a label for each group of the texts in the file `texts`, the largest first, each with some of its texts.

    A server is started, on a workspace that goes with it. The groups are told on stderr.

    Raises:
        TaskFileError: there is no such file, or its texts make less than two groups.
        AgentError: the server cannot be started, or cannot read the file.
    """
    if not texts.is_file():
        raise TaskFileError(f"file {str(texts)!r}", "does not exist", "Name a file of texts: CSV, JSONL or Parquet.")
    there = texts.resolve()  # a link is read where it leads
    say(f"Reading {texts.name} into groups by meaning, which goes by minutes where there are many texts.")
    command = (*DEFAULT_COMMAND, "--import-folder", str(there.parent))
    with tempfile.TemporaryDirectory(prefix="classwright-init-") as made:
        folder = Path(made)
        with closing(Journal(folder)) as journal:
            async with connect(ServerEntry(command=command), folder, folder) as server:
                groups = await _groups(Steps(journal, server, _Quiet()), there.name, column, task, instruction)
    if len(groups) < 2:
        raise TaskFileError(
            f"file {texts.name!r}", "holds texts of one group alone", "Name the labels yourself: init SENTENCE."
        )
    labels = [_label(group, number) for number, group in enumerate(groups, 1)]
    return [{**label, "name": name} for label, name in zip(labels, _apart(labels), strict=True)]


async def _groups(steps: Steps, file: str, column: str, task: str, instruction: str) -> list[TextGroup]:
    """Return the groups of the texts of a file in the import folder, the largest first."""
    await steps.run("propose_topics", {"task": task, "instruction": instruction}, ProposeTopicsResult)
    rows = {"task": task, "split": "unlabelled", "path": file, "text_column": column}
    imported = (await steps.run("import_examples", rows, ImportExamplesResult)).result
    say(imported.summary)
    found = await _all_groups(steps, task, 0)
    if len(found) > MOST_DRAFTED:
        say(f"The texts are of {len(found)} kinds, more than one reads: {BROADER} broader ones are made of them.")
        found = await _all_groups(steps, task, BROADER)
    for group in found:
        say(f"{group.share:6.0%}  {group.words or 'no words of its own'}: {next(iter(group.typical.values()), '')!r}")
    return found


async def _all_groups(steps: Steps, task: str, count: int) -> list[TextGroup]:
    """Return the texts of a task in `count` groups, or for 0 in as many as they suggest."""
    found: list[TextGroup] = []
    offset: int | None = 0
    while offset is not None:
        asked = {"task": task, "groups": count, "offset": offset}
        page = (await steps.run("find_examples", asked, FindExamplesResult)).result
        found += page.groups
        offset = page.next_offset
    return found


def label_name(given: str) -> str:
    """Return the name of a label that a person called so: in small letters, its words joined by underscores."""
    return re.sub(r"[\s/_-]+", "_", given.lower()).strip("_")


def _label(group: TextGroup, number: int) -> dict[str, Any]:
    words = group.words.replace(",", " ").split()[:NAME_WORDS]
    whole = [text for text in group.typical.values() if not text.endswith(_CUT)]
    return {"name": label_name(" ".join(words)) or f"group_{number}", "description": "", "examples": whole[:EXAMPLES]}


def _apart(labels: list[dict[str, Any]]) -> list[str]:
    """Return the names of the labels, with a number behind one that was there before."""
    names: list[str] = []
    for label in labels:
        numbered = (f"{label['name']}_{number}" for number in count(2))
        names.append(next(name for name in chain([label["name"]], numbered) if name not in names))
    return names
