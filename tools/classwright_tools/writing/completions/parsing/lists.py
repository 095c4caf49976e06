"""Reading a plain numbered or bulleted list, whose entries may have several lines and paragraphs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from classwright_tools.writing.completions.parsing.literals import text_literal
from classwright_tools.writing.completions.parsing.reasoning import BREAK

LIST_ENTRY = re.compile(r"([ \t]*)(?:(?:\*\*)?(\d{1,3})[.):](?:\*\*)?|[-*\u2022\u2013])(?:[ \t]+|$)")
"""What an entry of a list begins with: its indentation, and its number if it has one."""
LONGEST_LEAD = 200
"""A line's beginning of so many characters says whether it is an entry of a list, or a heading."""

# A number may be left out; one that is further on belongs to a text ("I paid\n40. euros").
_MOST_SKIPPED = 3
# From so many entries on, all of one paragraph, what follows the last one is a remark.
_ENTRIES_OF_A_KIND = 3
_FENCE = re.compile(r"[ \t]*```\w*[ \t]*\Z")
_RULE = re.compile(r"[ \t]*([-*_=])\1{2,}[ \t]*\Z")
_HEADING = re.compile(r"#{1,6}[ \t].*|\*\*[^*]+\*\*:?|[^.!?]{1,80}:")
# Headings of what models write down before they answer.
_BEFOREHAND = re.compile(
    r"\W*(?:(?:my|the|a|some|step-by-step)\s)*(?:thinking|thoughts?|reasoning|analysis|plan|approach|steps|rules|notes?"
    r"|considerations|constraints|requirements|guidelines|strategy|drafts?)(?:\s(?:process|steps|texts?))?\W*",
    re.IGNORECASE,
)
# What chatty models end with.
_REMARK = re.compile(
    r"\W*(?:(?:please )?let me know\b|i hope (?:this|these|it|they|that)\b|hope (?:this|these)\b|feel free to\b"
    r"|would you like\b|if you(?:[\u2019']d| would)? (?:need|want|like)\b|note\b|(?:each|all) of these\b|enjoy\b"
    r"|these (?:\w+ ){0,3}(?:texts|examples|messages|emails|items|sentences|topics|queries|samples|entries)\b)",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"\A([\"'])(.*)\1\Z|\A\u201c(.*)\u201d\Z", re.DOTALL)


@dataclass
class _Entry:
    """One entry: its paragraphs, each a list of lines."""

    paragraphs: list[list[str]] = field(default_factory=lambda: [[]])

    @property
    def text(self) -> str:
        """Its text; an empty line separates paragraphs."""
        return "\n\n".join("\n".join(lines) for lines in self.paragraphs).strip()

    def add(self, line: str) -> None:
        """Add a line; an empty one begins a paragraph."""
        if line:
            self.paragraphs[-1].append(line)
        elif self.paragraphs[-1]:
            self.paragraphs.append([])

    def take_heading(self) -> str:
        """Take out and return a last paragraph that is the heading of what follows; "" if there is none."""
        while len(self.paragraphs) > 1 and not self.paragraphs[-1]:
            self.paragraphs.pop()
        last = self.paragraphs[-1]
        if len(self.paragraphs) > 1 and len(last) == 1 and _is_heading(last[0]):
            return self.paragraphs.pop()[0]
        return ""


def list_entries(text: str, *, is_whole: bool = True) -> list[str] | None:
    """Return the entries of the numbered or bulleted list in `text`, or its lines if each is a quoted string.

    An entry lasts to the next mark of the same kind; deeper marks and those of the other kind belong to its text. The
    last one is left out if the text is not whole. None: the numbers do not say where the entries begin.
    """
    lines = [line.rstrip(" \t\r") for line in text.split("\n")]
    marks = [(place, mark) for place, line in enumerate(lines) if (mark := LIST_ENTRY.match(line))]
    if not marks:
        return _quoted_lines(lines, is_whole=is_whole)
    marks = _of_one_kind(marks)
    numbers = [int(mark[2]) if mark[2] else None for _, mark in marks]
    begins = dict(marks) if numbers[0] is None else _numbered(marks)
    if begins is None:
        return None
    entries = _entries(lines, begins)
    if not is_whole:
        entries = entries[:-1]
    elif entries:
        _leave_out_remark(entries)
    return [_unquoted(entry.text) for entry in entries]


_Mark = tuple[int, re.Match[str]]


def _of_one_kind(marks: list[_Mark]) -> list[_Mark]:
    """Return the marks that begin entries: numbers or bullets, whichever come first, as far out as the first one.

    Bullets that only stand before numbers are remarks of the model.
    """
    is_numbered = [bool(mark[2]) for _, mark in marks]
    kind = is_numbered[0]
    if not kind and is_numbered.count(True) > 1 and all(is_numbered[is_numbered.index(True) :]):
        kind = True
    same = [mark for mark in marks if bool(mark[1][2]) == kind]
    most = len(same[0][1][1].expandtabs(4)) + 1
    return [mark for mark in same if len(mark[1][1].expandtabs(4)) <= most]


def _numbered(marks: list[_Mark]) -> dict[int, re.Match[str]] | None:
    """Return the marks, by their lines, whose numbers follow each other, or begin anew; None if they do neither."""
    begins: dict[int, re.Match[str]] = {}
    first = last = int(marks[0][1][2])
    for place, mark in marks:
        number = int(mark[2])
        if begins and last < number and number - last > _MOST_SKIPPED:
            continue
        if begins and number <= last and number != first:
            return None
        begins[place] = mark
        last = number
    return begins


def _entries(lines: list[str], begins: dict[int, re.Match[str]]) -> list[_Entry]:
    """Return the entries that begin at the lines of `begins`, without those below a heading such as "My plan:"."""
    entries = []
    entry: _Entry | None = None
    heading, is_answer = "", True
    for place, line in enumerate(lines):
        if place in begins:
            heading = entry.take_heading() if entry else heading
            if heading:
                is_answer = not _BEFOREHAND.fullmatch(heading[:LONGEST_LEAD])
            entry, heading = _Entry(), ""
            entry.add(line[begins[place].end() :])
            if is_answer:
                entries.append(entry)
        elif line == BREAK or _FENCE.match(line):
            entry = None
        elif entry:
            entry.add("" if _RULE.match(line) else line.strip(" \t"))
        elif line:
            heading = line
    return entries


def _leave_out_remark(entries: list[_Entry]) -> None:
    """Take from the last of `entries` what the model says after the list."""
    *others, last = entries
    while len(last.paragraphs) > 1 and not last.paragraphs[-1]:
        last.paragraphs.pop()
    most = max((sum(map(bool, entry.paragraphs)) for entry in others), default=1)
    if most == 1 and len(entries) >= _ENTRIES_OF_A_KIND:
        del last.paragraphs[1:]
    elif len(last.paragraphs) > most and _REMARK.match("".join(last.paragraphs[-1][:1])):
        last.paragraphs.pop()
    lines = last.paragraphs[-1]
    have_one_line = all(len(part) == 1 for entry in others for part in entry.paragraphs if part)
    if len(lines) > 1 and have_one_line and _REMARK.match(lines[-1]):
        lines.pop()


def _quoted_lines(lines: list[str], *, is_whole: bool) -> list[str]:
    """Return the strings that `lines` are the literals of, if all of several are one."""
    found = [text_literal(line) for line in lines if line and not _FENCE.match(line)]
    texts = [text for text in found if text is not None]
    if len(texts) < 2 or len(texts) < len(found) - (not is_whole):
        return []
    return texts


def _unquoted(entry: str) -> str:
    quoted = _QUOTED.match(entry)
    return (quoted[2] or quoted[3] or "") if quoted else entry


def _is_heading(line: str) -> bool:
    return len(line) < LONGEST_LEAD and bool(_HEADING.fullmatch(line))
