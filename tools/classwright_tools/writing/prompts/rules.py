"""The rules of writing, each said once: a model's prompt and a calling model's assignment are rendered from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from classwright_tools.domain.text_rules import TextRules
from classwright_tools.domain.writer import WritingKind

FITS_NONE, UNSURE, BETWEEN_LABELS = "-", "?", "|"
"""What a writer answers in a label's place, and between labels."""

FORM_ITEMS = ("first", "second")
"""The items that show the form of an answer; weak models answer with them."""

TEXT_KINDS: tuple[WritingKind, ...] = ("examples", "contrast", "mismatch")

AIMS: dict[WritingKind, str] = {
    "source_types": "Each says where a text is written or spoken and for whom, in two to eight words, such as "
    '"in-app chat message" or "email to a supplier".',
    "topics": "Together they cover their label as widely as real texts do, the rare ones included.",
    "subtopics": "Each is a concrete situation within its topic, which one single text could be about.",
    "examples": "",
    "contrast": "They lie close to the border: they share words and situation with the other label, and yet a careful "
    "reader sees that they belong to theirs. One may differ from a text of the other label by the words that matter "
    "alone.",
    "mismatch": "A hasty reader takes the two texts for a pair of the other label, and a careful reader sees that they "
    "are not. Change what decides and keep the rest: another size, model, colour, material, brand, number, place, part "
    "or accessory, or another thing that goes by nearly the same name. The item must not fit the query, not even in "
    "part.",
    "labels": "Judge each text by itself, by what the labels mean, and not by words that it shares with a label's "
    "name.",
}
"""What each kind of item is to be, in a sentence or two."""

SHOWN = {
    "guidance": "Sentences say what is wanted, or what real texts show about the labels. Go by them, but write no text "
    "just to hold a word that they name. A subject that they ask for goes before the topic given.",
    "queries": "Queries that fit an item show how people ask for it. Begin from one of them and change what decides.",
    "style": "Texts show the style. Write like them, but never copy or rephrase one of them, nor its names, "
    "numbers or details.",
    "contrast_style": "Real texts of the label that yours are mistaken for show where yours end. Copy none of these "
    "either.",
}
"""What may be shown to a writer, by the field that holds it, and how to use it."""

_PHRASES: dict[WritingKind, tuple[str, ...]] = {
    "source_types": (
        "Every kind can carry texts of every label.",
        "The kinds differ clearly in length, tone and wording.",
        "The names of the kinds are in English.",
    ),
    "topics": (
        "Two to ten words each, concrete, no sentence.",
        "The topics do not overlap, and none belongs to another label.",
    ),
    "subtopics": (
        "Three to fifteen words each, concrete, no sentence.",
        "The situations do not overlap, and none belongs to another label.",
    ),
}
_DOUBT = f"Where a text may as well have any of several labels, name them all, with {BETWEEN_LABELS} between them."
_SETS = f"A text may have several of the labels: name every one that applies, with {BETWEEN_LABELS} between them."
PAIRS = "Each text is a pair: `text` is the query, `text_pair` the item, and the label says how the two go together."
"""What an annotator is told where texts are pairs."""
_LABELS = (
    f"Where no label fits, the answer is {FITS_NONE}",
    f"Where a text cannot be judged, the answer is {UNSURE}",
    "Answer for every text, with its own id. Write the labels' names exactly as they are.",
)
_TEXTS = (
    "Sound like real people and not like a model: use the tone, abbreviations, slips and punctuation of the kind of "
    "text. Do not open the texts alike.",
    "Vary the length as widely as real texts of this kind do.",
    "Nothing in a text may show that it is an example or that it will be classified. Do not repeat the label's "
    "description.",
)
_VARIED = "Vary whatever does not decide about the label: people, moods, places, things, amounts and causes, say."
_ALONE = "Every text stands alone and is complete, with no reference to another one."
_ONE_LABEL = "None would rather belong to another label."
NONE = "Texts of the same people and places as all others, about things nearby, to which no label of the task applies."
"""What texts without a label are, in a multi-label task."""
_ALL_LABELS = (
    "Each text has all labels that are named, so clearly that a reader who is not told them would give it every one of "
    "them, and no other label of the task. Where there are two, it is one message that somebody had reason to write, "
    f"and not two put together, and the topic given is one of either. Where none is named: {NONE[0].lower()}{NONE[1:]}"
)


def label_rules(languages: Sequence[str], *, several: bool = False, pairs: bool = False) -> tuple[str, ...]:
    """Return the rules for labelling texts in `languages`, which may have `several` labels, or are `pairs`."""
    first = (PAIRS,) if pairs else ()
    return (
        *first,
        _SETS if several else _DOUBT,
        *_LABELS,
        f"Languages of the texts: {', '.join(languages)} (BCP 47 tags).",
    )


def phrase_rules(kind: WritingKind, languages: Sequence[str]) -> tuple[str, ...]:
    """Return the rules for source types, topics or subtopics of texts in `languages`."""
    rule = f"The texts will be written in: {', '.join(languages)}."
    people = "" if kind == "source_types" else " Think of the people who write in these languages."
    return (*_PHRASES[kind], rule + people)


def text_rules(
    languages: Sequence[str],
    gates: TextRules,
    quoted: Callable[[Sequence[str]], str],
    *,
    several: bool = False,
    pairs: bool = False,
) -> tuple[str, ...]:
    """Return the rules for texts in `languages`, with those of the `gates`; `quoted` as in `TextRules.sentences`.

    With `several` a text may have several labels. In `pairs` it is a query that keeps nearly all of one that fits.
    """
    spread = " Spread the texts evenly over them; each text is in one language." if len(languages) > 1 else ""
    rule = f"Languages: {', '.join(languages)} (BCP 47 tags).{spread} Write as native and other everyday speakers do."
    varied = () if pairs else (_VARIED,)
    alone = f"{_ALONE} {_ALL_LABELS if several else _ONE_LABEL}"
    return (rule, *_TEXTS, *varied, alone, *gates.sentences(quoted, pairs=pairs))
