"""The encoder as the likely reason of a model at chance: more rows do not mend that, so it comes before them."""

from __future__ import annotations

from typing import NamedTuple

from classwright_tools.domain.cards import ModelCard
from classwright_tools.learning.reading_languages import LITTLE
from classwright_tools.measurement.label_separation import LEAST_SEPARATION, TOGETHER, TRY, above_guessing


class EncoderFirst(NamedTuple):
    """The sentence that an answer begins with, and its next step; "" both where the encoder is not the reason."""

    reason: str = ""
    next_step: str = ""


def encoder_first(card: ModelCard) -> EncoderFirst:
    """Return what to say of a model that is at chance, if its training remarked on the encoder.

    The remarks know which other encoder or method is at hand.
    """
    apart = above_guessing(card.validation.balanced_accuracy.value, len(card.labels))
    if card.validation.beats_guessing or apart >= LEAST_SEPARATION:  # few rows show little of a good model
        return EncoderFirst()
    if remark := next((one for one in card.remarks if LITTLE in one), ""):
        why, way = "hardly reads the language of the texts", remark.partition(LITTLE)[2]
    elif remark := next((one for one in card.remarks if one.startswith(TOGETHER)), ""):
        why, tries = "puts the labels close together", remark.partition(TRY)[2]
        way = f"Call train_classifier with {tries}" if tries else "Bring another one: docs/guides/encoders.md."
    else:
        return EncoderFirst()
    return EncoderFirst(
        "The model is not shown to be better than guessing, and the reason is most likely the encoder, which "
        f"{why}: more rows will not mend that.",
        f"See to the encoder before more rows. {way} Labels stay, and to train anew by 'probe' takes seconds.",
    )
