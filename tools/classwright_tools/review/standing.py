"""The standing of a task's rows: the decision on each that counts, which is the latest that was not taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile

from classwright_tools.domain.decision import name_in
from classwright_tools.domain.example import example_id
from classwright_tools.domain.pair import joined
from classwright_tools.review.decisions import Entry, read
from classwright_tools.workspace.workspace import Artifact, Workspace


class Standing:
    """The decisions on the rows of one task, as far as they have been read; `refresh` reads what has come since.

    A decision costs what its own rows cost, however many came before: a person waits for each.
    """

    def __init__(self, workspace: Workspace, task: str) -> None:
        self._workspace = workspace
        self._task = task
        self._by_id: dict[str, Entry] = {}
        self._of_row: defaultdict[str, list[Entry]] = defaultdict(list)
        self._seconds: defaultdict[str, list[Entry]] = defaultdict(list)
        self._undone: dict[str, Entry] = {}
        self._made: Mapping[int, str] = {}
        self._waiting: dict[str, Entry] = {}
        self._names: dict[tuple[str, str | None], str] = {}
        self.rows: dict[str, Entry] = {}
        """The rows that a decision counts for, with it."""
        self.waiting_rows: set[str] = set()
        """The rows that decisions are about which no dataset has yet."""
        self.waiting_in_all = 0
        """The rows of all those decisions, each as often as one is about it."""
        self.touched: list[str] = []
        """The rows that something new was read of, the latest last: what was reckoned of all others still holds."""
        self.cursor = 0

    def refresh(self) -> list[Entry]:
        """Read the decisions that are not known yet, and return them."""
        before = self._made
        new, self._made = read(self._workspace, self._task, self.cursor, self._made)
        for entry in new:
            self._take(entry)
        if self._made is not before:
            self._names = {(entry.page, self.version(entry)): entry.person for entry in self._by_id.values()}
            self._waiting = {id_: entry for id_, entry in self._by_id.items() if self._waits(entry)}
            self.waiting_in_all = sum(len(entry.decision.rows) for entry in self._waiting.values())
            self._touch({**self._of_row, **self._seconds})
        return new

    def _take(self, entry: Entry) -> None:
        decision = entry.decision
        self.cursor = entry.number
        self._by_id[decision.id] = entry
        rows = self.rows_of(entry)
        if decision.undoes is not None:
            self._undone[decision.undoes] = entry
            undone = self._waiting.pop(decision.undoes, None)
            self.waiting_in_all -= len(undone.decision.rows) if undone else 0
        elif decision.rows:
            beside = self._seconds if decision.second else self._of_row
            for row in rows:
                beside[row].append(entry)
            if self._waits(entry):
                self._waiting[decision.id] = entry
                self.waiting_in_all += len(decision.rows)
        self._touch(rows)
        of_page = (entry.page, self.version(entry))
        if self._names.get(of_page, entry.person) != entry.person:
            self._touch(self._waiting_of_page(entry.page))
        self._names[of_page] = entry.person

    def _waits(self, entry: Entry) -> bool:
        """Whether a decision changes rows, and no dataset has it yet."""
        return bool(entry.decision.rows) and entry.decision.id not in self._undone and entry.number not in self._made

    def _touch(self, rows: Collection[str]) -> None:
        """Let it be known that something about `rows` is new."""
        self.touched.extend(rows)
        for row in rows:
            entry = self.of(row)
            if entry:
                self.rows[row] = entry
            else:
                self.rows.pop(row, None)
            (self.waiting_rows.add if self.waiting_of(row) else self.waiting_rows.discard)(row)

    def of(self, row: str) -> Entry | None:
        """Return the decision on the row that counts; None if there is none."""
        return next((one for one in reversed(self._of_row.get(row, ())) if one.decision.id not in self._undone), None)

    def answers(self, row: str) -> list[Entry]:
        """Return the decisions on the row's label or its removal, also those beside others or taken back."""
        there = (*self._of_row.get(row, ()), *self._seconds.get(row, ()))
        return [one for one in there if one.decision.gives_answer]

    def all_of(self, row: str) -> list[Entry]:
        """Return the decisions on the row that were not taken back, the oldest first."""
        return [one for one in self._of_row.get(row, ()) if one.decision.id not in self._undone]

    def waiting_of(self, row: str) -> list[Entry]:
        """Return the decisions on the row that no dataset has yet, in the order of arrival."""
        there = (*self._of_row.get(row, ()), *self._seconds.get(row, ()))
        own = (one for one in there if one.decision.text is None or row in one.decision.rows)
        return sorted((one for one in own if one.decision.id in self._waiting), key=lambda one: one.number)

    def entry(self, id_: str) -> Entry | None:
        """Return the decision with an id."""
        return self._by_id.get(id_)

    def is_undone(self, id_: str) -> bool:
        """Whether a decision was taken back."""
        return id_ in self._undone

    def is_saved(self, id_: str | None) -> bool:
        """Whether a dataset has the decision with an id."""
        entry = self._by_id.get(id_ or "")
        return entry is not None and self.version(entry) is not None

    def version(self, entry: Entry) -> str | None:
        """Return the dataset that has a decision; None while none has it."""
        return self._made.get(entry.number)

    def person(self, entry: Entry) -> str:
        """Return who took a decision, by the last name that was given on that page before the decision was saved."""
        return self._names.get((entry.page, self.version(entry)), entry.person)

    def name(self, entry: Entry) -> str | None:
        """Return the name that whoever took a decision gave; None if they gave none."""
        return name_in(self.person(entry))

    def since(self, number: int) -> list[Entry]:
        """Return the decisions with a number above `number`, and those that take others back, the newest first."""
        return list(takewhile(lambda entry: entry.number > number, reversed(self._by_id.values())))

    def rows_of(self, entry: Entry) -> Sequence[str]:
        """Return the rows that a decision is about, or that the one is about which it takes back.

        Those of a signature are all of that page that wait. An edited row's id afterwards is that of its new text.
        """
        decision = entry.decision
        if decision.undoes is not None:
            undone = self._by_id.get(decision.undoes)
            return self.rows_of(undone) if undone else ()
        if decision.action == "sign":
            return self._waiting_of_page(entry.page)
        if decision.text is None:
            return decision.rows
        return (*decision.rows, example_id(joined(decision.text, decision.text_pair)))

    def _waiting_of_page(self, page: str) -> list[str]:
        return [row for one in self.waiting if one.page == page for row in self.rows_of(one)]

    @property
    def entries(self) -> list[Entry]:
        """All decisions about rows, the newest first."""
        return [entry for entry in reversed(self._by_id.values()) if entry.decision.rows]

    def saved_in(self, version: str) -> list[Entry]:
        """Return the decisions that change rows and that a dataset has, in the order of arrival."""
        return [entry for entry in self._by_id.values() if entry.decision.rows and self.version(entry) == version]

    def reviewed(self, versions: Iterable[Artifact]) -> set[str]:
        """Return the ids of those `versions` that came of decisions; one of before a decision is as that wants it."""
        first: dict[str | None, datetime] = {}
        for entry in self._by_id.values():
            first.setdefault(self.version(entry), entry.created)
        return {one.id for one in versions if one.id in first and first[one.id] < one.created}

    @property
    def signatures(self) -> list[Entry]:
        """The names that were given for decisions which no dataset has yet, in the order of arrival."""
        signed = (entry for entry in self._by_id.values() if entry.decision.action == "sign")
        return [entry for entry in signed if entry.number not in self._made]

    @property
    def waiting(self) -> list[Entry]:
        """The decisions that change rows and that no dataset has yet, in the order of arrival."""
        return list(self._waiting.values())
