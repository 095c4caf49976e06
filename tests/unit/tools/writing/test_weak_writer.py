"""What is made of the answers of a weak writer: those of SmolLM2-135M-Instruct, recorded (Apache-2.0)."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import pytest

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Label, Task
from classwright_tools.domain.usage import TokenCount
from classwright_tools.domain.writer import Completion, UnusableAnswer, WritingKind, WritingRequest
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.writing.completions.parsing.answer import (
    FORM_COPIED,
    NO_LIST,
    REPEATED,
    TOKEN_LIMIT,
    parse_answer,
)
from classwright_tools.writing.completions.retry import MOST_ASKS, Reply, ask_until_usable
from classwright_tools.writing.topic_tree import distinct_phrases
from support.paths import TESTS
from support.writing_verbs import ScriptedWriter, save_tree

BANK = Task(
    slug="banking3",
    instruction="Classify a message that a customer of a mobile banking app sends to support by what the customer "
    "wants.",
    labels=(
        Label(
            name="card_arrival",
            description="the customer ordered or was promised a card and asks where it is or says it has not arrived",
        ),
        Label(name="lost_or_stolen_card", description="the customer's physical card is lost or was stolen"),
        Label(name="request_refund", description="the customer wants to get money back for a purchase"),
    ),
)


@dataclass(frozen=True)
class Recorded:
    """An answer of the model as it came; its form was `opened` for it, or it answered as it liked."""

    kind: WritingKind
    label: str
    count: int
    opened: bool
    finish_reason: str
    tokens_in: int
    tokens_out: int
    content: str


@pytest.fixture(scope="module")
def answers() -> list[Recorded]:
    lines = (TESTS / "support" / "smollm2_135m_instruct.jsonl").read_text(encoding="utf-8").splitlines()
    return [Recorded(**json.loads(line)) for line in lines]


class Replayed(ScriptedWriter):
    """Gives the recorded answers by turns, and asks again as every writer does."""

    def __init__(self, answers: Sequence[Recorded]) -> None:
        super().__init__(name="smollm2-135m-instruct")
        self._answers = cycle(answers)

    async def write(self, request: WritingRequest) -> Completion:
        async def ask(_turn: int) -> Reply:
            given = next(self._answers)
            return Reply(given.content, given.finish_reason, TokenCount(given.tokens_in, given.tokens_out))

        self.asked.append(request)
        return await ask_until_usable(f"model {self.name!r}", request.kind, ask)


@pytest.mark.parametrize(
    ("kind", "content", "repair"),
    [
        ("examples", '{"items": ["half of', "Ask for shorter texts"),
        ("examples", "", "--writer-thinking-tokens N"),
        ("labels", '{"items": ["half of', "Use a model that follows instructions better"),
    ],
)
def test_the_repair_of_answers_cut_off_goes_by_what_was_asked_and_by_whether_anything_came(
    kind: WritingKind, content: str, repair: str
) -> None:
    async def ask(_turn: int) -> Reply:
        return Reply(content, "length", TokenCount(1, 1))

    with pytest.raises(UnusableAnswer) as caught:
        asyncio.run(ask_until_usable("model 'm'", kind, ask))

    assert repair in caught.value.repair


def test_it_answers_in_prose_copies_the_form_repeats_itself_and_goes_on_to_its_limit(answers: list[Recorded]) -> None:
    lost = Counter(reason for one in answers for reason in parse_answer(one.content, one.finish_reason).lost)

    assert all(lost[reason] for reason in (NO_LIST, FORM_COPIED, REPEATED, TOKEN_LIMIT))


def test_an_answer_that_was_opened_is_a_list_and_short(answers: list[Recorded]) -> None:
    opened = [one for one in answers if one.opened and one.kind != "examples"]
    free = [one for one in answers if not one.opened and one.kind != "examples"]

    def lists(those: list[Recorded]) -> float:
        return sum(NO_LIST not in parse_answer(one.content, "stop").lost for one in those) / len(those)

    assert lists(opened) == 1 > lists(free)
    assert sum(one.tokens_out for one in opened) / len(opened) < 0.5 * sum(one.tokens_out for one in free) / len(free)


def test_no_topic_repeats_the_task_or_has_several_lines(answers: list[Recorded]) -> None:
    came = [parse_answer(one.content, one.finish_reason).items for one in answers if one.kind != "examples"]
    phrases = {phrase for items in came for phrase in distinct_phrases(items, BANK)}
    dropped = {item for items in came for item in items} - phrases

    assert {"card_arrival", "lost_or_stolen_card", "request_refund", BANK.instruction} <= dropped
    assert not any("Rules:" in phrase for phrase in phrases)
    assert "Mobile Reimbursements" in phrases


def test_a_run_with_it_ends_within_its_asks_and_says_that_the_writer_is_the_limit(
    context: ToolContext, answers: list[Recorded]
) -> None:
    context.workspace.save_task(BANK)
    save_tree(context.workspace, BANK)
    writer = Replayed([one for one in answers if one.kind == "examples"])

    result = synthesize_examples(
        SynthesizeExamplesRequest(task=BANK.slug, rows=48), replace(context, writer=writer, run_key="weak")
    )

    assert result.accepted < 0.5 * result.wanted
    assert sum(request.count for request in writer.asked) == result.wanted  # none is asked a second time
    assert "next to none of the writer's texts" in result.missing[0].reason
    assert "The writer is the limit" in result.summary
    assert result.usage
    assert result.usage.tokens_out <= MOST_ASKS * sum(one.tokens_out for one in answers) * len(writer.asked)
