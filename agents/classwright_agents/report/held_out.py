"""The figures on training rows that were held out, which stand in a report where there are no other rows."""

from __future__ import annotations

from classwright_tools.contract import ClassFigures, Data, LabelName, Noun


class HeldOutFigures(Noun):
    """The figures of an error analysis on training rows that were held out, of its `report.json`."""

    data: Data
    rows: int
    labels: tuple[LabelName, ...]
    classes: tuple[ClassFigures, ...]
    confusion_matrix: tuple[tuple[int, ...], ...]
