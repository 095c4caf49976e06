"""The gate of languages: what is another language than those of the task, and what cannot be told."""

from __future__ import annotations

import pytest

from classwright_tools.curation.gates import QualityFilter
from classwright_tools.curation.languages import language_of, wrong_language
from classwright_tools.curation.rows_language import languages_of_rows
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Task


@pytest.mark.parametrize(
    "text",
    [
        "Ich möchte mein Geld zurück, das Paket ist nie angekommen",
        "Je voudrais être remboursé pour cette commande",
        "Quiero que me devuelvan el dinero del pedido",
        "我想退款 包裹一直没有到",
        "Где моя посылка?",
    ],
)
def test_a_text_clearly_in_another_language_is_refused(task: Task, text: str) -> None:
    refused = QualityFilter(task).check(text, "refund")

    assert refused
    assert refused.reason == "wrong language"


SPANISH = [f"Quiero que me devuelvan el dinero del pedido {n}" for n in range(12)]
ENGLISH = [f"I want my money back for this order {n}" for n in range(12)]
ROMANISED = [f"bhai mera refund kab aayega batao, order number {n}" for n in range(12)]


@pytest.mark.parametrize(
    ("texts", "languages"),
    [
        (SPANISH, ("es",)),
        (SPANISH + ENGLISH[:6], ("en", "es")),
        (SPANISH[:5] + ENGLISH, ("en",)),
        (SPANISH[:9], ("en",)),
        (["ok bye", "thx m8"] * 6, ("en",)),
        (ROMANISED, ("en",)),
    ],
    ids=["all", "most", "some", "too few rows", "short", "romanised"],
)
def test_rows_are_said_to_be_in_another_language_where_most_of_them_are(
    task: Task, texts: list[str], languages: tuple[str, ...]
) -> None:
    found = languages_of_rows(task, texts, len(texts))

    assert found.languages == languages
    assert bool(found.remark) == (languages != task.languages)


def test_where_the_real_rows_are_in_it_the_repair_of_a_language_is_the_tasks(task: Task) -> None:
    gates = QualityFilter(task)
    gates.add_rows("unlabelled", [make_example(text, None) for text in SPANISH])

    spanish, german = (
        gates.check(text, "refund")
        for text in ("¿Dónde está mi paquete, señores?", "Ich möchte mein Geld zurück, bitte")
    )

    assert spanish
    assert german
    assert "call propose_topics(task='support', languages=['es'])" in spanish.repair
    assert german.repair == "Write it in en."


@pytest.mark.parametrize(
    "text", ["ok bye", "PayPal Sparkasse IBAN", "Café Müller 12,50", "thx m8", "Siva is in hostel"]
)
def test_names_and_short_words_are_not_taken_for_another_language(task: Task, text: str) -> None:
    assert QualityFilter(task).check(text, "refund") is None


@pytest.mark.parametrize(
    ("languages", "text"),
    [
        (("de",), "Ich möchte mein Geld zurück"),
        (("de-AT", "en"), "I want my money back, please"),
        (("nb",), "Hvor er pakken min, den har ikke kommet"),
        (("pt-BR",), "Quero meu dinheiro de volta"),
        (("xx",), "I want my money back, please"),
    ],
)
def test_any_language_of_the_task_passes_and_an_unknown_one_is_not_judged(
    languages: tuple[str, ...], text: str
) -> None:
    assert wrong_language(text, languages) is None


@pytest.mark.parametrize(
    ("languages", "text"),
    [
        (("hi-Latn",), "mera paisa wapas karo yaar"),
        (("ur-Latn",), "bhai refund kab milega mujhe"),
        (("ru-Latn",), "gde moya posylka, ya zhdu"),
        (("sr-Latn",), "gde je moj paket, čekam već nedelju dana"),
        (("sr-Cyrl",), "где је мој пакет, чекам већ недељу дана"),  # noqa: RUF001
        (("zh-Hant",), "我想退款 包裹一直沒有到"),
        (("zh-yue-Hant",), "我想退款 包裹一直沒有到"),
        (("ja-Latn",), "watashi no nimotsu wa doko desu ka"),
        (("hi-Latn", "en"), "bhai mera refund kab aayega batao"),
        (("uz-Cyrl",), "менинг посилкам қаерда қолди"),
        (("hi-Deva",), "मेरा पैसा वापस कब आएगा"),
        (("en", "xx"), "watashi no nimotsu wa doko desu ka"),
    ],
)
def test_a_language_in_a_script_that_it_is_not_known_in_is_not_judged(languages: tuple[str, ...], text: str) -> None:
    assert wrong_language(text, languages) is None


@pytest.mark.parametrize(
    ("languages", "text", "found"),
    [
        (("hi-Latn",), "मेरा पैसा वापस कब आएगा", "Devanagari letters"),
        (("ru-Latn",), "Где моя посылка, я жду", "Cyrillic letters"),
        (("uz-Cyrl",), "mening posilkam qayerda qoldi", "Latin letters"),
        (("zh-Hant",), "I want my money back for this order", "'en'"),
        (("hi-Deva",), "I want my money back for this order", "'en'"),
    ],
)
def test_a_script_that_the_task_does_not_name_is_another_language(
    languages: tuple[str, ...], text: str, found: str
) -> None:
    assert wrong_language(text, languages) == found


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Mon colis du 3 est perdu je crois", "fr"),
        ("Wo bleibt mein Paket?", "de"),
        ("Quiero que me devuelvan el dinero del pedido", None),
        ("ok", None),
    ],
)
def test_a_text_is_counted_for_one_language_of_the_task_where_it_is_clear(text: str, code: str | None) -> None:
    assert language_of(text, ("fr-CH", "de", "en")) == code
    assert language_of(text, ("fr",)) is None, "of one language there is nothing to tell"
    assert language_of(text, ("fr", "xx")) is None
    assert language_of(text, ("fr", "hi-Latn")) is None
