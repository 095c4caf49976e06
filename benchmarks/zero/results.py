"""The section of RESULTS.md on zero-data classifiers: a line a set, way and round, and what they say."""

from __future__ import annotations

from articles.pages import table
from articles.runs import Figures, Runs, Value

PLAIN, ROUNDS = "plain recipe", "classwright"
SIGNIFICANT = 0.05
RECORDED = "recorded"

RECORDED_READING = """The recorded texts were written one by one for the demo, so they are better than what a model
gives in bulk: nothing repeats, and the gates find next to nothing to refuse. What gates are worth has to be measured
with a language model at hand. The contrast texts of round 1 were written once, in sight of real validation rows; which
of them are used is decided here by written rows alone."""


def section(runs: Runs) -> str:
    """Return the section of all `runs`."""
    header = ("set", "writer", "training", "way", "written rows", "accuracy", "macro-F1", "likeness, written / real")
    measured = sorted(runs.all(), key=lambda run: _place(run[0]))
    readings = [line for key, figures in measured if (line := _against_plain(key, figures))]
    parts = [
        "## S4: zero-data classifiers (`benchmarks/zero_data.py`)",
        "Real test rows, no real training row. The plain recipe is AnyClassifier's: the cells of the tree asked once, "
        "no gates, no contrast rounds, the same writer. Likeness: mean cosine of two texts of one label. Cost: of all "
        "that was written until then. Intervals, and the paired comparisons (bootstrap; exact McNemar test), are over "
        "test rows; one seed.",
        table((*header, "cost"), [_row(key, figures) for key, figures in measured]),
        "\n".join(readings),
    ]
    if any(key["writer"] == RECORDED for key, _ in measured):
        parts.append(f"Reading: {RECORDED_READING}")
    return "\n\n".join(part for part in parts if part)


def _place(key: dict[str, Value]) -> tuple[str, str, bool, bool, int]:
    """Return what lines are sorted by: the sets, and of each the plain recipe before the rounds."""
    is_tuned = key["train"] != "probe"
    return str(key["set"]), str(key["writer"]), is_tuned, key["way"] != PLAIN, int(key["round"])


def _row(key: dict[str, Value], figures: Figures) -> list[str]:
    accuracy, f1 = (
        f"{figures[name]:.3f} ({figures[f'{name}_low']:.3f} to {figures[f'{name}_high']:.3f})"
        for name in ("accuracy", "macro_f1")
    )
    alike = f"{figures['written_similarity']:.2f} / {figures['real_similarity']:.2f}"
    cost = f"{figures['tokens']:,.0f} tokens, ${figures['cost']:.2f}"
    rows = f"{figures['training_rows']:.0f}"
    return [str(key["set"]), str(key["writer"]), str(key["train"]), _way(key), rows, accuracy, f1, alike, cost]


def _way(key: dict[str, Value]) -> str:
    return PLAIN if key["way"] == PLAIN else f"{ROUNDS}, round {key['round']}"


def _against_plain(key: dict[str, Value], figures: Figures) -> str | None:
    """Return how a round stands against the plain recipe; None for that itself, or where it was not measured."""
    if "p" not in figures:
        return None
    accuracy, f1 = (
        f"{100 * figures[name]:+.1f} ({100 * figures[f'{name}_low']:+.1f} to {100 * figures[f'{name}_high']:+.1f})"
        for name in ("accuracy_gain", "macro_f1_gain")
    )
    verdict = "" if figures["p"] < SIGNIFICANT else ", which may be chance"
    if not figures["accuracy_gain_low"] < figures["accuracy_gain_high"]:
        return f"- `{key['set']}`, {key['writer']}, {key['train']}: {_way(key)} equals the plain recipe."
    return (
        f"- `{key['set']}`, {key['writer']}, {key['train']}: {_way(key)} over the plain recipe {accuracy} points of "
        f"accuracy, {f1} of macro-F1 (p {figures['p']:.2g}{verdict})."
    )
