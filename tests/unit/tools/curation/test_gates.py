"""The gates: what each refuses, with reason, detail and repair, and that good texts pass."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from classwright_tools.curation.gates import QualityFilter
from classwright_tools.domain.cleaning import clean_text
from classwright_tools.domain.example import Origin, Split, make_example
from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.text_rules import TextRules, UsualLength
from classwright_tools.workspace.datasets import save_dataset
from classwright_tools.workspace.workspace import Workspace
from classwright_tools.writing.prompts.rules import text_rules
from support.paths import BANKING12

BANKING = BANKING12


@pytest.fixture
def gates(task: Task) -> QualityFilter:
    return QualityFilter(task)


def reason(gates: QualityFilter, text: str, label: str = "refund", contrast: str | None = None) -> str | None:
    refused = gates.check(text, label, contrast)
    return refused.reason if refused else None


def test_an_ordinary_text_passes(gates: QualityFilter) -> None:
    assert gates.check("I want a refund for the shoes that came broken.", "refund") is None


@pytest.mark.parametrize(
    "text",
    [
        "Hello [Name], where is my parcel?",
        "My order {order_id} has not come",
        "Hi {{customer name}}, I want my money back",
        "Dear <company name>, I cannot log in",
        "lorem ipsum and so on",
        "Example 1: where is my parcel",
        '{"text": "where is my parcel"}',
        '"where is my parcel"}, ',
        "```json where is my parcel",
        "- where is my parcel",
        "3. where is my parcel",
        "**Refund** where is my parcel",
        "Sure, here are 5 messages about refunds:",
        "Here's an example message for you",
        "I'm sorry, but I can't assist with that request.",
        "As an AI language model, I have no parcels.",
        "where is my parcel <|im_end|>",
        "where is my caf\ufffd",
    ],
)
def test_what_a_writer_leaves_around_or_instead_of_a_text_is_unparsable(gates: QualityFilter, text: str) -> None:
    refused = gates.check(text, "refund")

    assert refused is not None
    assert refused.reason == "unparsable"
    assert refused.detail
    assert refused.repair


@pytest.mark.parametrize(
    "text",
    [
        "Sure, here is my order number: 4711, what now?",
        "I'm sorry, I can't log in any more",
        "The [blue] button does nothing",
        "the price is < 5 and > 3 euros",
        "order 12) came, order 13) did not",
        "It's 50% off & I paid full price :(",
        'he said "it ships today"',
        "why was x_{i} charged",
        "100 euros are missing. Refund them.",
    ],
)
def test_brackets_numbers_and_polite_words_of_people_pass(gates: QualityFilter, text: str) -> None:
    assert gates.check(text, "refund") is None


@pytest.mark.parametrize("text", ["ok", "a", "!!", "refund"])
def test_fewer_than_three_letters_or_one_word_is_too_short(gates: QualityFilter, text: str) -> None:
    assert reason(gates, text) == "too short"


def test_one_word_passes_where_the_labels_own_examples_are_single_words(task: Task) -> None:
    labels = (Label(name="yes", examples=("yep",)), Label(name="no", examples=("nope",)))

    assert QualityFilter(task.model_copy(update={"labels": labels})).check("affirmative", "yes") is None


def test_a_short_text_in_a_script_without_spaces_passes(task: Task) -> None:
    gates = QualityFilter(task.model_copy(update={"languages": ("zh",)}))

    assert gates.check("退款", "refund") is None


def test_a_text_over_the_bound_is_too_long(gates: QualityFilter) -> None:
    assert reason(gates, "word " * (MAX_TEXT_CHARS // 5 + 1)) == "too long"


@pytest.mark.parametrize(
    "text",
    [
        "[refund] I want my money back",
        "Label: refund. I want my money back",
        "I want my money back (category: refund)",
        "refund: I want my money back",
        "I want my money back -> refund",
        '"refund" I want my money back',
    ],
)
def test_a_label_named_as_metadata_has_leaked(gates: QualityFilter, text: str) -> None:
    assert reason(gates, text) == "label name leaked"


@pytest.mark.parametrize(
    "text",
    [
        "When do I get my refund?",
        "refund me now",
        "Refund, please: the parcel never came",
        "the delivery (account 4711) is late",
        "Is the type of account important?",
    ],
)
def test_a_label_that_people_say_in_passing_has_not_leaked(gates: QualityFilter, text: str) -> None:
    assert gates.check(text, "refund") is None


def with_labels(task: Task, *names: str, **changes: object) -> Task:
    return task.model_copy(update={"labels": tuple(Label(name=name) for name in names), **changes})


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("iPhone", "The iphone will not charge any more since yesterday"),
        ("PayPal", "PayPal froze my balance and I do not know why"),
        ("JavaScript", "How do I sort an array of objects in JavaScript by date?"),
        ("macOS", "After the update macOS asks for my password twice"),
        ("eBay", "Someone on eBay wants to pay by cheque"),
        ("peer-to-peer", "Is a peer-to-peer payment free of charge?"),
        ("state-of-the-art", "They sell it as state-of-the-art and it is not"),
        ("C++", "My C++ program does not link any more"),
        ("neutral", "The bank stays neutral on the shares of both"),
        ("abbreviation", "What is the abbreviation for the state of Texas?"),
        ("sports", "Do you show sports on Sunday evening?"),
        ("-", "Type: size 42, colour blue, never arrived here"),
        ("+", "Topic: none, I only want to say thank you"),
    ],
)
def test_a_name_that_people_say_is_no_leak_where_they_say_it(task: Task, label: str, text: str) -> None:
    assert QualityFilter(with_labels(task, label, "other")).check(text, label) is None


@pytest.mark.parametrize("label", ["iPhone", "PayPal", "sports", "C++"])
@pytest.mark.parametrize(
    "form", ["[{}] what is on tonight", "Label: {} what is on tonight", "what is on tonight -> {}"]
)
def test_such_a_name_is_a_leak_where_it_marks_the_text(task: Task, label: str, form: str) -> None:
    gates = QualityFilter(with_labels(task, label, "other"))

    assert reason(gates, form.format(label), label) == "label name leaked"


@pytest.mark.parametrize("name", ["card_arrival", "cardArrival", "lostStolenCard", "card-not-working"])
def test_a_name_that_is_spelled_as_programs_spell_leaks_unless_people_write_it(task: Task, name: str) -> None:
    text = f"this is about {name}, is it not"
    task = with_labels(task, name, "other")
    seen, shown = (
        QualityFilter(task),
        task.model_copy(update={"labels": (Label(name=name, examples=(text,)), task.labels[1])}),
    )
    seen.add_rows("unlabelled", [make_example(f"why does {name} say nothing to me", None)])

    assert reason(QualityFilter(task), text, name) == "label name leaked"
    assert QualityFilter(task).rules([name]).never_written == (name,)
    assert reason(seen, text, name) is None
    assert seen.rules([name]).never_written == ()
    assert reason(QualityFilter(shown), f"and now {name} again", name) is None


def test_one_real_text_of_thousands_does_not_say_how_people_write(task: Task) -> None:
    gates = QualityFilter(task)
    rows = [make_example(f"my order number {number} has not arrived yet", "delivery") for number in range(2_500)]
    gates.add_rows("train", rows)
    slips = [make_example(text, "refund") for text in ("refund: I want it", "ok", "- where is it now")]
    gates.add_rows("validation", slips)

    assert reason(gates, "refund: the shoes do not fit me") == "label name leaked"
    assert reason(gates, "thanks") == "too short"
    assert reason(gates, "- the shoes do not fit me") == "unparsable"
    gates.add_rows("validation", [*slips, *slips])
    assert reason(gates, "refund: the shoes do not fit me") is None
    assert reason(gates, "thanks") is None
    assert reason(gates, "- the shoes do not fit me") is None


@pytest.mark.parametrize(
    ("split", "origin"), [("test", "real"), *(("train", origin) for origin in get_args(Origin) if origin != "real")]
)
def test_test_rows_and_rows_of_another_origin_say_nothing_of_what_real_texts_are_like(
    task: Task, split: Split, origin: Origin
) -> None:
    gates = QualityFilter(task)
    gates.add_rows(split, [make_example("ok", "refund", origin=origin)])

    assert reason(gates, "thanks") == "too short"


def test_texts_may_be_as_short_as_real_ones_are(task: Task) -> None:
    chats = QualityFilter(task)
    chats.add_rows("unlabelled", [make_example(text, None) for text in ("k", "where is it?", "no thanks")])
    mails = QualityFilter(task)
    mails.add_rows("unlabelled", [make_example("where is it, I ask you", None)])

    assert [reason(chats, text) for text in ("yes", "k", "!!")] == [None, None, "too short"]
    assert [reason(mails, text) for text in ("yes", "k", "ok then")] == ["too short", "too short", None]
    assert "at least one word" in chats.rules(()).sentences(str)[0]
    assert "at least 2 words" in mails.rules(()).sentences(str)[0]


def test_the_rules_tell_how_long_real_texts_are_where_there_are_enough_to_tell(task: Task) -> None:
    texts = [make_example(f"word{number} " + "and so on " * number, None) for number in range(21)]
    gates, few, of_test, tied = (QualityFilter(task) for _ in range(4))
    gates.add_rows("unlabelled", texts)
    tied.add_rows("unlabelled", texts[:1] * 2 + texts[1:2] * 20 + texts[2:3] * 7)
    few.add_rows("unlabelled", texts[:10])
    of_test.add_rows("test", texts)

    assert all(
        f"the middle one has {middle} words, and at least eight in ten have {low} to {high}:"
        in " ".join(real.rules(()).sentences(str))
        for real, low, middle, high in ((gates, 7, 31, 55), (tied, 4, 4, 7))
    )
    assert few.rules(()).usual_length is of_test.rules(()).usual_length is None


def test_the_length_of_texts_without_spaces_is_told_in_characters_and_that_of_a_mixture_is_not(task: Task) -> None:
    chinese = [make_example("\u6211\u7684\u5305\u88f9" * number, None) for number in range(1, 22)]
    english = [make_example(f"word{number} and so on", None) for number in range(21)]
    unspaced, mixed = QualityFilter(task), QualityFilter(task)
    unspaced.add_rows("unlabelled", chinese)
    mixed.add_rows("unlabelled", [*chinese, *english])

    assert any(
        "has 44 characters, and at least eight in ten have 12 to" in rule for rule in unspaced.rules(()).sentences(str)
    )
    assert mixed.rules(()).usual_length is None


def test_writers_are_told_of_several_sentences_only_where_no_real_texts_say_how_long_they_are(task: Task) -> None:
    measured = text_rules(("en",), TextRules(usual_length=UsualLength(low=1, middle=3, high=5)), str)

    assert not any("several sentences" in rule for rule in measured)
    assert any("several sentences" in rule for rule in text_rules(("en",), TextRules(), str))


def test_what_was_shown_is_not_copied_also_in_part(task: Task) -> None:
    """The row is of no dataset that the gates know, and longer than what is shown of it."""
    shown = "Highlight: there is very little not to like about this report, the acting chief economist says at noon"
    long = "We study the waves of a plasma whose electrons are relativistic and whose ions are cold. " * 8
    gates = QualityFilter(task)
    gates.add_shown([shown, long])

    for copy in (
        "Highlight: there is very little not to like about that report, says the acting chief economist at noon",
        long[:300] + "Then something of one's own follows, which is longer than all that was taken before. " * 5,
    ):
        refused = gates.check(copy, "refund")
        assert refused
        assert refused.reason == "near-duplicate of a shown text"
        assert shown not in refused.detail
    assert reason(gates, "Highlight: the report is late, and nobody at the ministry says why") is None


def test_the_words_of_the_task_are_no_text(task: Task) -> None:
    """Weak models answer with what they were told."""
    told = "The customer was promised a card and asks where it is, or says that it has not arrived."
    example = "My new card was due on Monday, today is Thursday, and the letter box is as empty as before."
    label = Label(name="card_arrival", description=told, examples=(example,))
    gates = QualityFilter(task.model_copy(update={"labels": (label,)}))

    for copy in (told, told.lower().replace("promised", "sent"), f"{task.instruction} Now.", example, example[:70]):
        assert reason(gates, copy) == "near-duplicate of a shown text"
    assert reason(gates, "I was promised a card on Monday, so where is it? It has not arrived.") is None


def test_the_rules_say_what_the_gates_do(gates: QualityFilter, task: Task) -> None:
    told = " ".join(
        QualityFilter(with_labels(task, "card_arrival", "refund")).rules(["card_arrival", "refund"]).sentences(str)
    )

    for said in (
        "at least 2 words",
        "'Label:'",
        "before a colon at its beginning",
        "arrow",
        "placeholder",
        "list mark",
    ):
        assert said in told
    assert "card_arrival" in told
    assert "refund" not in told
    assert gates.rules(["refund"]).never_written == ()


def test_an_identifier_leaks_wherever_it_stands(task: Task) -> None:
    gates = QualityFilter(task.model_copy(update={"labels": (Label(name="card_arrival"), Label(name="lost card"))}))

    assert reason(gates, "this is about card_arrival, is it not", "card_arrival") == "label name leaked"
    assert gates.check("what about the card arrival, is it not here", "card_arrival") is None
    assert gates.check("I have a lost card, what now", "lost card") is None


def test_repeats_are_refused_by_what_they_repeat(gates: QualityFilter) -> None:
    real = "My card payment from last Tuesday was refunded to the wrong account"
    gates.add_rows("test", [make_example("A test row about a parcel that is late", "delivery")])
    gates.add_rows("validation", [make_example("A validation row about a forgotten password", "account")])
    gates.add(real, "refund")

    assert reason(gates, "a test row about a parcel that is late!", "delivery") == "near-duplicate of a test row"
    assert reason(gates, "A validation row about forgotten password", "account") == "near-duplicate of a validation row"
    assert reason(gates, real.upper()) == "duplicate"
    assert reason(gates, real + " again") == "near-duplicate"
    assert reason(gates, "Something else altogether is wrong here") is None


def test_a_refusal_tells_nothing_of_the_test_row_that_is_repeated(gates: QualityFilter) -> None:
    row = make_example("A test row about a parcel that is late", "delivery")
    gates.add_rows("test", [row])

    refused = gates.check("A test row about a parcel that is late today", "account")

    assert refused is not None
    assert (refused.reason, refused.detail) == ("near-duplicate of a test row", "it repeats one")
    told = f"{refused.detail} {refused.repair}"
    assert not any(part in told for part in ("parcel", "delivery", row.id, "0."))


def test_a_refused_repeat_names_the_row_and_the_similarity(gates: QualityFilter) -> None:
    kept = make_example("The parcel was left with a neighbour who is away", "delivery")
    gates.add_rows("train", [kept])

    refused = gates.check("the parcel was left with a neighbour who is away", "delivery")

    nearly = gates.check("The parcel was left with a neighbour who is away.. now", "delivery")

    assert refused is not None
    assert refused.detail == f"it equals row {kept.id} ('delivery')"
    assert nearly is not None
    assert nearly.detail.startswith(f"it resembles row {kept.id} ('delivery', similarity 0.")


def test_a_contrast_text_may_come_near_its_neighbour_but_not_equal_it(gates: QualityFilter) -> None:
    neighbour = "I cannot log in, so please send my parcel to the new address"
    gates.add(neighbour, "account")
    contrast = "I cannot log in, so please send the parcel to the new address"

    assert reason(gates, contrast, "delivery") == "near-duplicate"
    assert reason(gates, contrast, "delivery", "account") is None
    assert reason(gates, neighbour, "delivery", "account") == "duplicate"


def test_an_admitted_text_is_compared_with_from_then_on_and_a_checked_one_is_not(gates: QualityFilter) -> None:
    text = "Where is the parcel that I ordered?"

    assert gates.check(text, "delivery") is None
    assert gates.admit(text, "delivery") is None
    assert reason(gates, text, "delivery") == "duplicate"


def test_the_gates_of_a_dataset_know_its_rows(workspace: Workspace, task: Task) -> None:
    row = make_example("Where is the parcel that I ordered?", "delivery")
    dataset = save_dataset(workspace, task.slug, {"test": [row]}, parent=None, run_key="k", made_by="test")

    gates = QualityFilter.for_dataset(workspace, task, dataset.id)

    assert reason(gates, "where is the parcel that i ordered", "delivery") == "near-duplicate of a test row"
    assert QualityFilter.for_dataset(workspace, task, None).check(row.text, "delivery") is None


def recorded_texts() -> list[tuple[str, str, str | None]]:
    """Return (text, label, contrast) of every text that was written for the example."""
    answers = [json.loads(line) for path in sorted(BANKING.rglob("*.jsonl")) for line in path.open(encoding="utf-8")]
    written = [answer for answer in answers if answer.get("kind") in ("examples", "contrast")]
    return [(text, answer["label"], answer.get("contrast")) for answer in written for text in answer["items"]]


def test_of_the_recorded_texts_at_most_one_in_two_hundred_is_refused(task: Task) -> None:
    texts = recorded_texts()
    labels = tuple(Label(name=name) for name in sorted({label for _, label, _ in texts}))
    gates = QualityFilter(task.model_copy(update={"labels": labels}))

    refused = [text for text, label, contrast in texts if gates.admit(clean_text(text), label, contrast)]

    assert len(texts) == 864
    assert len(refused) <= 4, refused
