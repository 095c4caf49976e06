"""Words that tell groups of texts apart are no function words of the task's languages."""

from __future__ import annotations

import pytest

from classwright_tools.measurement.function_words import function_words
from classwright_tools.measurement.guidance import words_apart
from classwright_tools.measurement.naming import group_names, telling_words_of_each, words

BAD = [
    "que la fiesta es peor para mi",
    "peor que la lluvia para el perro",
    "la comida es peor que la cena para todos",
] * 4
GOOD = [f"gracias {friend}" for friend in ("amigo", "Ana", "vecina", "Juan", "doctor", "Eva")]


def test_guidance_in_spanish_names_no_articles_and_prepositions() -> None:
    told = words_apart("bad", "good", BAD, GOOD, mistaken=BAD, right=GOOD, languages=("es",))

    assert told[0] == "Words of 'bad' rather than of 'good': peor."
    assert told[1] == "Words of 'good' rather than of 'bad': gracias."
    assert told[2] == "Texts of 'bad' that were taken for 'good' speak of: peor."


def test_groups_and_clusters_are_named_without_function_words_of_all_languages_of_the_task() -> None:
    german = ["ich habe keine Lust auf die Arbeit", "die Arbeit ist nichts für mich"] * 4

    assert telling_words_of_each([BAD, german], ("es", "de"))[1].startswith("arbeit")
    assert not {"que", "la", "ich", "die"} & set(", ".join(group_names([BAD, german], GOOD, ("es", "de"))).split(", "))


@pytest.mark.parametrize(
    ("text", "languages", "left"),
    [
        ("je parle car l'eau manque", ("fr",), ["parle", "eau", "manque"]),
        ("my car is an die cast model", ("en",), ["car", "die", "cast", "model"]),
        ("die Karte ist da", ("de-CH",), ["karte"]),
        ("kya baat hai yaar", ("hi-Latn",), ["baat", "yaar"]),
        ("this is the end", ("fi",), ["end"]),
        ("@user http", ("es",), []),
    ],
)
def test_a_function_word_is_one_in_its_own_language_alone(
    text: str, languages: tuple[str, ...], left: list[str]
) -> None:
    assert words(text, languages) == left


def test_words_that_judge_are_no_function_words() -> None:
    judging = {"gut", "schlecht", "peor", "mejor", "bueno", "mieux", "mal"}

    assert not judging & function_words(("es", "fr"))
    assert not {"gut", "schlecht", "besser"} & function_words(("de",))
