"""One model against another on the same rows: the gains, the verdict on them, and what to do by it."""

from __future__ import annotations

from math import sqrt
from typing import Literal

from pydantic import Field

from classwright_tools.domain.advice import rows_to_tell
from classwright_tools.domain.excerpt import counted
from classwright_tools.domain.figures import Estimate, least_lead
from classwright_tools.domain.gains import EveryRowAlike, RareLabelGain, Test, TestedGain
from classwright_tools.domain.kinds import DatasetId
from classwright_tools.domain.noun import LabelName, Noun
from classwright_tools.domain.shares import ShareSource


class RelabelledRows(Noun):
    """Rows that have other labels in one model's dataset than in the other's: no model is kept by them."""

    rows: int = Field(ge=1)
    left: int = Field(ge=0, description="Rows with the same labels, which alone are compared; of 0 all are.")
    gain: Estimate = Field(description="In accuracy, if all rows counted: the changed labels move it.")
    by: str = Field(description="Which edits changed the labels.")
    before: DatasetId | None = Field(description="The version before these edits; None if they do not hold now.")
    version: DatasetId | None = Field(description="The version to undo, if one call did this and no more.")


Measure = Literal["accuracy", "balanced accuracy", "macro-F1", "micro-F1", "average precision"]
"""What models are chosen by: balanced accuracy where labels count alike, which on cards of before is macro-F1."""


Verdict = Literal["gain", "loss", "trade", "undecided", "no gain"]
KEEPING_NEWER: tuple[Verdict, ...] = ("gain", "undecided")
"""After these the newer model is gone on with. After a trade it is the earlier one, until a person decides."""


class Comparison(Noun):
    """One model against another on the same rows, by paired tests."""

    against: str = Field(description="The other model's id, or the method of one that was not kept.")
    accuracy_gain: Estimate = Field(description="This model's accuracy minus the other's; paired bootstrap.")
    macro_f1_gain: TestedGain = Field(description="This model's macro-F1 minus the other's; paired bootstrap.")
    micro_f1_gain: TestedGain | None = Field(default=None, description="In micro-F1, where rows have several labels.")
    balanced_accuracy_gain: TestedGain | None = Field(default=None, description="Where labels are to count alike.")
    average_precision_gain: TestedGain | None = Field(
        default=None, description="This model's average precision of the mismatches minus the other's, for pairs."
    )
    rare: RareLabelGain | None = Field(
        default=None, description="Of the rarest label, where labels differ much in size."
    )
    only_this_right: int = Field(ge=0)
    only_other_right: int = Field(ge=0)
    p: float = Field(ge=0, le=1, description="Two-sided p of `test`.")
    test: Test = Field(
        default="exact McNemar test",
        description="For pairs McNemar's form for whole queries. 'at the label shares': gains are at these.",
    )
    shares_of: Literal["both", "this", "other"] | None = Field(
        default=None, description="Where gains are at label shares: which of the two decides for these shares."
    )
    shares_from: ShareSource | None = Field(default=None, description="Who says that these are the shares.")
    every_row_alike: EveryRowAlike | None = Field(default=None, description="The same answers without shares.")
    significant: bool = Field(description="Whether `p` is below 5%: only then is a gain in accuracy more than chance.")
    shared_labels: tuple[LabelName, ...] | None = Field(
        default=None, description="Where the other model has other labels: those that both have, which alone count."
    )
    rows: int | None = Field(default=None, description="Where only some count: how many.")
    relabelled: RelabelledRows | None = Field(default=None, description="Where labels changed between the two.")
    labels_given: Literal["this", "other"] | None = Field(
        default=None,
        description="Which of the two learnt from a later version of the other's dataset that differs only by labels "
        "given to real texts, and by edits: its rows are gone on with where the difference may be chance.",
    )

    @property
    def measure(self) -> tuple[Measure, Estimate]:
        """What models are chosen by, and this one's gain in it.

        Of pairs it is the average precision of the mismatches, which are rare; of rows with several labels micro-F1.
        """
        if self.average_precision_gain:
            return "average precision", self.average_precision_gain
        if self.micro_f1_gain:
            return "micro-F1", self.micro_f1_gain
        return "accuracy", self.accuracy_gain

    @property
    def others(self) -> dict[str, TestedGain]:
        """The gains beside that in accuracy which may decide too, by their names in words; none of pairs."""
        if self.average_precision_gain:
            return {}
        micro_f1 = {"micro-F1": self.micro_f1_gain} if self.micro_f1_gain else {}
        return micro_f1 | {"macro-F1": self.macro_f1_gain} | (self.rare.named if self.rare else {})

    @property
    def at_shares(self) -> bool:
        """Whether the gains are those at the shares of the labels where the models are used."""
        return self.test == "sign-flip test at the label shares"

    @property
    def depends_on_shares(self) -> bool:
        """Whether every row counting alike shows a difference beyond chance, and estimated shares show its opposite."""
        alike = self.every_row_alike
        if alike is None or self.shares_from != "estimated" or not alike.significant:
            return False
        return alike.accuracy_gain.value * self.accuracy_gain.value < 0

    @property
    def is_by_rows(self) -> bool:
        """Whether the rows that just one of the two has right decide."""
        return self.test == "exact McNemar test" and self.measure[0] == "accuracy"

    @property
    def least_lead(self) -> int:
        """The least number of rows won over those lost that the test calls more than chance."""
        return least_lead(self.only_this_right, self.only_other_right)

    def sign_of(self, gain: Estimate) -> int:
        """Return 1 or -1 where one of this comparison's gains is more than chance, and 0 where it may be chance.

        The test of each tells: of few rows the bootstrap's interval is too narrow. In comparisons that were
        stored before all gains were tested the interval tells of the others.
        """
        if gain is self.accuracy_gain:
            return _sign(gain.value) if self.significant else 0
        if isinstance(gain, TestedGain) and gain.significant is not None:
            return _sign(gain.value) if gain.significant else 0
        return (gain.low > 0) - (gain.high < 0)

    @property
    def verdict(self) -> Verdict:
        """Whether this model is better or worse by more than chance.

        Where two of accuracy, macro-F1 and the gains of the rarest label (`rare`) are beyond chance and differ in sign,
        it is a trade: which error is the dearer only a person knows. So it is where one of the rarest label's is, and
        accuracy has the other sign, be that chance or not. Else a macro-F1 beyond chance decides where accuracy is not.

        A lead that may be chance is "undecided": few rows seldom tell a gain of some points, and to drop what leads
        loses on the average. Where labels alone were given (`labels_given`), any difference that may be chance is: such
        rows are seldom for the worse, and to go back drops them. Then the model that learnt from them is gone on with.

        What is more than chance is for `sign_of` to say.
        Where rows have several labels, F1 counts alone: to have all labels of a row right is much to ask. Where pairs
        are ranked, the average precision of the mismatches does: to call none a mismatch is seldom wrong.

        Where all rows have other labels in one model's dataset than in the other's, it is a trade: by which of these
        the models are to go only a person knows. So it is where a model is better at shares that were estimated, and by
        more than chance worse where every row counts alike, or the other way round.
        """
        if (self.relabelled and not self.relabelled.left) or self.depends_on_shares:
            return "trade"
        name, first = self.measure
        gains = [first] if name == "average precision" else [first, self.macro_f1_gain]
        signs = {self.sign_of(gain) for gain in gains}
        of_rare = {self.sign_of(gain) for gain in self.rare.named.values()} if self.rare else set()
        if name == "average precision":
            of_rare = set()
        rises, falls = 1 in of_rare, -1 in of_rare
        better, worse = rises or 1 in signs, falls or -1 in signs
        differ = (better and worse) or (rises and first.value < 0) or (falls and first.value > 0)
        if differ and name == "accuracy":
            return "trade"
        if better == worse:
            leads = not better and all(gain.value >= 0 for gain in gains) and first.value > 0
            goes_on = leads if self.labels_given is None else self.labels_given == "this"
            return "undecided" if goes_on else "no gain"
        return "gain" if better else "loss"

    @property
    def keeps_earlier(self) -> bool:
        """Whether the other model, which was there before, is kept."""
        return self.verdict not in KEEPING_NEWER

    @property
    def _finding(self) -> tuple[str, bool]:
        """Which rare labels a trade is about, in words, and whether this model finds them better.

        The first gain beyond chance tells, those of the rarest label alone first; a trade has one.
        """
        of_label = [(repr(self.rare.label), gain) for gain in self.rare.of_label] if self.rare else []
        of_all = [*([self.rare.balanced_accuracy_gain] if self.rare else []), self.macro_f1_gain]
        for words, gain in [*of_label, *(("rare labels", gain) for gain in of_all)]:
            if self.sign_of(gain):
                return words, gain.value > 0
        return "rare labels", self.macro_f1_gain.value > 0

    def advice(self, model: str, rows: int) -> str:
        """Return whether to keep `model`, whose gain this is, or the other, on the evidence of so many `rows`."""
        if self.relabelled and not self.relabelled.left:
            return (
                f"For a person to decide: the labels of all {counted(rows, 'row')} changed between {self.against} and "
                f"{model}. Keep {model} if those by which they are measured are right, else {self.against}."
            )
        won, lost, rows = self.only_this_right, self.only_other_right, self.rows or rows
        evidence = f"{model} alone is right in {won} of {counted(rows, 'row')} and alone wrong in {lost}"
        name, gain = self.measure
        if name != "accuracy":
            judged_by = (
                "micro-F1, which rows with several labels are judged by"
                if name == "micro-F1"
                else "the average precision of the mismatches, which pairs are judged by"
            )
            evidence = f"In {judged_by}, {model} has {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        if self.verdict in ("gain", "loss"):
            found = f"A gain: keep {model}" if self.verdict == "gain" else f"Worse than before: keep {self.against}"
            if not self.sign_of(gain):
                beyond = ", ".join(_told(other, one) for other, one in self.others.items() if self.sign_of(one))
                evidence += f"; that may be chance, and more than chance is {beyond}"
            return f"{found}. {evidence}."
        if self.verdict == "trade":
            return f"A trade, for a person to decide: {self._trade(model)}. {evidence}."
        found = {
            "undecided": f"Undecided: keep {model}, whose lead may be chance",
            "no gain": f"No gain: keep {self.against}",
        }[self.verdict]
        if self.labels_given:
            later, earlier = (model, self.against) if self.labels_given == "this" else (self.against, model)
            found = (
                f"Undecided, as the difference may be chance: keep {later}, whose rows are those of {earlier} "
                "with labels given or rows edited since"
            )
        elif self.verdict == "no gain" and self.measure[0] == "accuracy" and self.macro_f1_gain.value > 0:
            lead = f"{self.macro_f1_gain.value:+.3f} in macro-F1"
            found += f", unless rare labels matter more: {model} leads by {lead}, which may be chance"
        if self.at_shares:
            there = self.accuracy_gain
            interval = f"{there.low:+.3f} to {there.high:+.3f}"
            evidence += (
                f"; if each label's rows count for its share that is {there.value:+.3f} in accuracy ({interval})"
            )
        if self.is_by_rows:
            evidence += f"; a gain needs {self.least_lead} more right than wrong"
        enough = self.rows_to_tell(rows)
        more = f" About {enough:,} such rows would tell whether this lead is chance." if enough else ""
        return f"{found}. {evidence}.{more}"

    def _trade(self, model: str) -> str:
        """Return what `model` gains and loses against the other, and which of the two to keep for what."""
        if self.depends_on_shares and self.every_row_alike:
            there, alike = (_told("accuracy", one.accuracy_gain) for one in (self, self.every_row_alike))
            at_shares, other = (model, self.against) if self.accuracy_gain.value > 0 else (self.against, model)
            return (
                f"{model} against {self.against} has {there} at the shares that were estimated, and {alike} where "
                f"every row counts alike. Keep {at_shares} if your texts have these shares, else {other}"
            )
        gains = {"accuracy": self.accuracy_gain} | self.others
        told = ", ".join(_told(name, gain) for name, gain in gains.items())
        rare, finds = self._finding
        finder, other = (model, self.against) if finds else (self.against, model)
        return (
            f"{model} against {self.against} has {told}. Keep {finder} if to miss {rare} costs more than other errors, "
            f"else {other}"
        )

    def rows_to_tell(self, rows: int) -> int | None:
        """Return how many rows would tell this lead from chance, won and lost at the rates of `rows`.

        None without a lead, or where it is more than chance as it is, or where rows come in queries. Where labels were
        given since, a lead of either model is one.
        """
        won, lost, rows = self.only_this_right, self.only_other_right, self.rows or rows
        lead = abs(won - lost) if self.labels_given else won - lost
        if lead <= 0 or lead >= self.least_lead or not self.is_by_rows:
            return None
        return rows_to_tell(rows, lead, sqrt(won + lost))


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def _told(name: str, gain: Estimate) -> str:
    return f"{name} {gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
