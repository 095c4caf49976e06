"""Origins of rows in words, for the cards of models and of datasets."""

from __future__ import annotations

from collections.abc import Mapping

from classwright_tools.domain.example import Origin

MEANINGS: Mapping[Origin, str] = {
    "real": "a real text, with the label that it came with or that a person gave it",
    "annotated": "a real text that a language model labelled",
    "written": "a text that a language model wrote for its label, and that nobody collected",
}
