"""Figures of an export on rows with labels, alone and beside another, as `classwright check` tells them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import Estimate
from classwright_tools.domain.gains import TestedGain
from classwright_tools.domain.noun import Noun
from classwright_tools.measurement.caveats import estimate_in_words, sure_of_rows


class LabelCheck(Noun):
    """How a label is given: of the rows that get it the share that has it, and of those that have it that gets it.

    Either is None where there are no such rows.
    """

    label: str
    rows: int
    precision: Estimate | None
    recall: Estimate | None


class ExportCheck(Noun):
    """What one export answers. An answer is right where its label is, of several labels where all are."""

    folder: str
    about: dict[str, Any] = Field(description="What the export says of itself.")
    rows: int
    accuracy: Estimate
    macro_f1: float = Field(ge=0, le=1, description="The mean F1 of the labels that rows have.")
    micro_f1: float | None = Field(description="Of several labels a row: the F1 of all of them together.")
    average_precision: Estimate | None = Field(
        description="Of pairs: how well mismatches are ranked, if there are any."
    )
    sure: Estimate = Field(description="The share of the rows that it is sure of.")
    sure_accuracy: Estimate | None = Field(description="Of these, the share that is right; None: it is sure of none.")
    out_of_scope: int | None = Field(description="None of pairs, of which it is never told.")
    labels: tuple[LabelCheck, ...]

    def in_words(self) -> str:
        """Return its figures as sentences."""
        scope = (
            "" if self.out_of_scope is None else f" {counted(self.out_of_scope, 'row is', 'rows are')} out of scope."
        )
        sure = sure_of_rows(self.sure, self.rows, self.sure_accuracy)
        right = "accuracy" if self.micro_f1 is None else "all labels of a row right"
        figures = [f"{right} {estimate_in_words(self.accuracy)}", f"macro-F1 {self.macro_f1:.3f}"]
        if self.micro_f1 is not None:
            figures.append(f"micro-F1 {self.micro_f1:.3f}")
        if self.average_precision:
            figures.append(f"average precision of the mismatches {estimate_in_words(self.average_precision)}")
        return f"{self.folder}: {', '.join(figures)}. {sure}{scope}"


class PairedCheck(Noun):
    """One export against another on the rows whose labels both know, by the tests that `evaluate` compares models by.

    The rows count as they are: what an export decides for label shares is in its answers.
    """

    rows: int = Field(description="Those whose labels both know.")
    other: ExportCheck = Field(description="The other on these rows.")
    comparison: Comparison
    new_labels: int = Field(description="Rows with a label that the other does not know.")
    new_labels_right: int = Field(description="Of these, the rows that the first labels right.")

    def failure(self, first: ExportCheck) -> str:
        """Return why the `first` is not to be shipped in the other's place, as the end of a sentence on it; else ""."""
        if self.comparison.verdict not in ("loss", "trade"):
            return ""
        beyond = [told for told, gain in self._told.items() if self.comparison.sign_of(gain)]
        if self.comparison.sign_of(self.comparison.accuracy_gain):
            beyond.insert(0, f"accuracy {self.comparison.accuracy_gain.value:+.3f} (p {self.comparison.p:.2g})")
        now = {one.label: one.recall.value for one in first.labels if one.recall}
        before = {one.label: one.recall.value for one in self.other.labels if one.recall and one.label in now}
        most = max(before, key=lambda label: before[label] - now[label])
        lost = f" Most is lost of {most!r}: recall {before[most]:.3f} there, {now[most]:.3f} here."
        said = f"({', '.join(beyond)}).{lost if now[most] < before[most] else ''}"
        if self.comparison.verdict == "loss":
            return f"it is worse than {self.other.folder} by more than chance {said}"
        return f"against {self.other.folder} it gains in one figure and loses in another: a person decides {said}"

    @property
    def _told(self) -> dict[str, TestedGain]:
        """The gains beside that in accuracy which decide, by what is told of them."""
        ranked = self.comparison.average_precision_gain
        gains = {"average precision of the mismatches": ranked} if ranked else self.comparison.others
        return {
            f"{name} {gain.value:+.3f}{'' if gain.p is None else f' (p {gain.p:.2g})'}": gain
            for name, gain in gains.items()
        }

    def in_words(self) -> str:
        """Return the comparison as sentences."""
        found = self.comparison
        told = "".join(f" In {words}: {_chance(gain.significant)}." for words, gain in self._told.items())
        return (
            f"Against {self.other.in_words()} {counted(found.only_this_right, 'row')} labelled right by the first "
            f"alone, {found.only_other_right:,} by the other alone: {_chance(found.significant)} (p {found.p:.2g})."
            f"{told}{self._of_new_labels() if self.new_labels else ''}"
        )

    def _of_new_labels(self) -> str:
        """Return what the first does where the other cannot be right."""
        return (
            f" That is on the {counted(self.rows, 'row')} whose labels both know. The other "
            f"{counted(self.new_labels, 'row has a label', 'rows have labels')} that {self.other.folder} does not "
            f"know: the first labels {self.new_labels_right:,} of them right, and that one can label none so."
        )


class Check(Noun):
    """An export on some rows. `failed` says why it is not to be shipped; it is empty where nothing stands against."""

    encodings: tuple[str, ...] = Field(description="What is to be told of files that were read as Windows-1252.")
    rows: int
    left_out: int = Field(description="Rows that cannot be read, have no label, or one that the export does not know.")
    first_left_out: tuple[str, ...] = Field(description="The first row of each reason, and how many more it holds for.")
    export: ExportCheck
    against: PairedCheck | None
    failed: tuple[str, ...]

    def in_words(self) -> str:
        """Return all of it in lines."""
        measured = counted(self.rows, "row")
        left_out = []
        if self.left_out:
            measured = f"{self.rows:,} of {self.rows + self.left_out:,} rows ({self.left_out:,} left out)"
            left_out = [f"Left out: {'; '.join(self.first_left_out)}."]
        lines = [f"On {measured}, with 95% intervals:", *left_out, *self.encodings, self.export.in_words()]
        lines += [
            f"  {one.label}: {counted(one.rows, 'row')}, precision {_in_words(one.precision)}, "
            f"recall {_in_words(one.recall)}"
            for one in self.export.labels
        ]
        lines += [self.against.in_words()] if self.against else []
        return "\n".join([*lines, *(f"Failed: {why}" for why in self.failed)])


def _in_words(share: Estimate | None) -> str:
    return estimate_in_words(share) if share else "-"


def _chance(significant: bool | None) -> str:
    return "more than chance" if significant else "may be chance"
