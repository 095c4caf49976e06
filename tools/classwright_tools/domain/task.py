"""A task: an instruction in words and the labels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from classwright_tools.domain.excerpt import listed
from classwright_tools.domain.invisible import plain_text
from classwright_tools.domain.label_sets import NO_LABELS, in_order, named_apart
from classwright_tools.domain.noun import MAX_DESCRIPTION_CHARS, MAX_LABELS, LabelName, Noun, Plain, Share, Slug, Text

Language = Annotated[
    str,
    Field(
        pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
        max_length=35,  # what BCP 47 section 4.4.1 has room for
        description="A BCP 47 tag such as 'en' or 'pt-BR'.",
        examples=["en"],
    ),
]

TaskKind = Literal["text", "pair"]
MOST_NAMED = 5  # labels, in a sentence
ROUNDED = 0.01  # what shares that people state may be off 1 in all


# What joins two words. A sign before or behind a name, or before a number in it, is none: "-1" is not "1".
_JOINT = re.compile(r"(?<=[^\s_-])(?![\s_-]*\s-\d)[\s_-]+(?=[^\s_-])")


def folded_name(name: str) -> str:
    """Return `name` without what may differ in one label's name: case, and spaces, "_" and "-" between words.

    Nor do invisible characters count, nor which of its forms a character has in Unicode (NFKC): they look alike.
    """
    name = unicodedata.normalize("NFKC", plain_text(name)).strip()
    return unicodedata.normalize("NFKC", _JOINT.sub(" ", name).casefold())


def meant_in(written: str, known: Collection[str]) -> str:
    """Return which of the `known` labels `written` is, if in other case or as `folded_name` says; else `written`."""
    if written in known:
        return written
    names = {folded_name(name): name for name in known}
    return names.get(folded_name(written), written)


def alike(names: Iterable[str]) -> str | None:
    """Return which two of `names` a reader or a model would take for one, in words; None if there are none."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.get(folded_name(name))
        if other is not None:
            same = unicodedata.normalize("NFKC", name) == unicodedata.normalize("NFKC", other) and name != other
            shown = ascii if same else repr  # else the two would look the same in the error
            return f"label {shown(name)} repeats {shown(other)} but for case, spaces, '_' or '-': rename one"
        seen[folded_name(name)] = name
    return None


class Label(Noun):
    """One class: its name, what belongs in it, and a few texts when there are any."""

    name: LabelName = Field(description="As the classifier will return it.")
    description: Annotated[str, Plain] = Field(
        default="",
        max_length=MAX_DESCRIPTION_CHARS,
        description="What belongs to this label and what does not, in a sentence.",
    )
    examples: tuple[Annotated[Text, Plain], ...] = Field(
        default=(), max_length=20, description="A few texts that show the style, if there are any."
    )

    @field_validator("name")
    @classmethod
    def _name_is_what_it_looks_like(cls, name: str) -> str:
        """Refuse a name that a reader would copy wrongly: it holds characters that are not seen."""
        if plain_text(name) != name:
            raise ValueError(f"label {plain_text(name)!r} holds invisible characters: write the name without them")
        return name


class Task(Noun):
    """A classification task. Its version rises by one when its labels change.

    It has no labels while nobody knows the kinds of its texts.
    """

    slug: Slug
    instruction: Annotated[str, Plain] = Field(
        min_length=3, max_length=4_000, description="What is classified, and by what."
    )
    labels: tuple[Label, ...] = Field(max_length=MAX_LABELS)
    languages: tuple[Language, ...] = Field(default=("en",), min_length=1, max_length=30)
    kind: TaskKind = Field(default="text", description="'pair': two texts a row, such as a query and an item.")
    multi_label: bool = Field(default=False, description="Whether a text may have several labels, or none.")
    mismatch: LabelName | None = Field(
        default=None, description="A pair task's label for pairs that do not belong together."
    )
    expected_shares: dict[str, Share] | None = Field(
        default=None, description="The share of each label in real texts, above 0 and 1 in all; None if nobody said."
    )
    version: int = Field(default=1, ge=1)

    @field_validator("labels")
    @classmethod
    def _names_differ(cls, labels: tuple[Label, ...]) -> tuple[Label, ...]:
        """Refuse a single label, and two names that a reader, or a model, would take for one."""
        if len(labels) == 1:
            raise ValueError("a single label leaves nothing to tell apart: add another one, such as 'other'")
        if repeated := alike([label.name for label in labels]):
            raise ValueError(repeated)
        return labels

    @model_validator(mode="after")
    def _mismatch_is_a_label_of_pairs(self) -> Task:
        if self.mismatch is not None and self.kind != "pair":
            raise ValueError("`mismatch` is for pair tasks: leave it out, or set `kind` to 'pair'")
        if self.mismatch is not None and self.mismatch not in self.label_names:
            raise ValueError(f"`mismatch` is {self.mismatch!r}, which is none of the labels: name one of them")
        return self

    @model_validator(mode="after")
    def _pairs_have_labels(self) -> Task:
        if self.kind == "pair" and not self.labels:
            raise ValueError("a pair task needs its labels from the start: name two or more")
        return self

    @model_validator(mode="after")
    def _several_labels_are_of_single_texts(self) -> Task:
        if self.multi_label and self.kind == "pair":
            raise ValueError("`multi_label` is for single texts: leave it out, or set `kind` to 'text'")
        if self.multi_label and self.expected_shares is not None:
            raise ValueError(
                "`expected_shares` are of labels that exclude each other: leave them out of a multi-label task"
            )
        return self

    @model_validator(mode="after")
    def _shares_are_of_the_labels(self) -> Task:
        shares = self.expected_shares
        if shares is None:
            return self
        for name in [*shares, *self.label_names]:
            if name not in self.label_names:
                raise ValueError(f"`expected_shares` names {name!r}, which is none of the labels: leave it out")
            if not shares.get(name, 0) > 0:
                raise ValueError(f"`expected_shares` has none above 0 for label {name!r}: name every label's share")
        if abs(sum(shares.values()) - 1) > ROUNDED:
            raise ValueError(f"`expected_shares` are {sum(shares.values()):.3g} in all: make them 1")
        return self

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names in the task's order, which is also the order of a model's probabilities."""
        return tuple(label.name for label in self.labels)

    @property
    def decides_for_shares(self) -> bool:
        """Whether its models decide for the labels' shares, if these are known: of single texts with one label each."""
        return self.kind == "text" and not self.multi_label

    def can_be_written(self, labels: Iterable[str]) -> bool:
        """Return whether rows of all `labels` can be written: of pairs mismatches alone, for items of matches."""
        return self.kind == "text" or all(label == self.mismatch for label in labels)

    @property
    def naming_mismatch(self) -> str:
        """The call that names a pair task's `mismatch`; its labels stay."""
        names = listed(map(repr, self.label_names), MOST_NAMED)
        return (
            f"propose_topics(task={self.slug!r}, kind='pair', instruction=the task's, mismatch=the label of pairs that "
            f"do not belong together, of {names})"
        )

    @property
    def branch_names(self) -> tuple[str, ...]:
        """The labels of which a topic tree has the topics: of a multi-label task also `NO_LABELS`, for none of them."""
        return (*self.label_names, NO_LABELS) if self.multi_label else self.label_names

    def labels_of(self, written: str) -> tuple[str, ...]:
        """Return the labels that a cell or a caller means: one, or in a multi-label task those of "one|other", or none.

        They are in the task's order, by its names for them; what is no label of the task comes last.
        """
        parts = named_apart(written, self.label_names) if self.multi_label else (written,)
        return in_order((meant_in(part, self.label_names) for part in parts), self.label_names)
