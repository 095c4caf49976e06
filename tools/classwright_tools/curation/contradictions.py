"""Rows of an import that have the text of another row, and another label: one of the two is wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from classwright_tools.domain.excerpt import counted

SHOWN = 3


@dataclass
class Contradictions:
    """The rows, counted, with the first of them; of so many `unkept` ones neither stays."""

    rows: int = 0
    unkept: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, told: Callable[[], str], *, kept: bool) -> None:
        """Count a row, which `told` names with the other one; `kept` says whether one of them stays."""
        self.rows += 1
        self.unkept += not kept
        if len(self.first) < SHOWN:
            self.first.append(told())

    def remark(self) -> str:
        """Return the sentence that names the first; empty where there are none."""
        if not self.rows:
            return ""
        more = f"; and {self.rows - len(self.first):,} more" if self.rows > len(self.first) else ""
        said = f"{counted(self.rows, 'row has', 'rows have')} the text of another row and another label: "
        said += f"{'; '.join(self.first)}{more}."
        if self.unkept:
            which = "these" if self.unkept == self.rows else f"{self.unkept:,} of these"
            said += f" As validation or test rows neither of {which} is kept."
        return said

    def next_step(self) -> str:
        """Return what is to be done about them; empty where there are none."""
        if not self.rows:
            return ""
        then = "edit_examples gives it to the row that stayed"
        if self.unkept:
            then = "import that row anew" + (f", or {then}" if self.unkept < self.rows else "")
        return f"Ask the person which of the contradicting labels is right; {then}."
