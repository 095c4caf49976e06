"""A text that all others say belongs to another label is refused, counted, and replaced within the candidates."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from classwright_tools.context import ToolContext
from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.writer import Completion, WritingRequest
from classwright_tools.propose_topics import ProposeTopicsRequest, propose_topics
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, synthesize_examples
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.writing.backends.recorded import RecordedWriter
from support.paths import BANKING12

COMPLETIONS = BANKING12 / "completions"
LABELS = ("card_arrival", "declined_card_payment", "request_refund")
STRAYING = Cell(
    label="card_arrival",
    topic="first card after opening an account",
    subtopic="welcome card is overdue",
    source_type="in-app chat message",
)
STRAY = "I would like my money back for the shoes I bought last week, please refund the purchase."
BETTER = "The card you posted to my new flat a fortnight ago still has not turned up."


class Absentminded(RecordedWriter):
    """Writes a request for a refund where a missing card was asked for, and better when asked again."""

    async def write(self, request: WritingRequest) -> Completion:
        if request.attempt:
            return Completion(items=(BETTER,))
        completion = await super().write(request)
        if request.kind == "examples" and request.cell == STRAYING:
            return Completion(items=(STRAY, *completion.items[1:]))
        return completion


def test_a_text_of_another_label_is_refused_and_replaced(context: ToolContext) -> None:
    writer = Absentminded(sorted(COMPLETIONS.glob("*.jsonl")))
    propose_topics(
        ProposeTopicsRequest(
            task="bank",
            instruction="Classify a message to a bank by what the customer wants.",
            labels=tuple(Label(name=name) for name in LABELS),
            source_types=("in-app chat message", "email to support", "voice message transcribed to text"),
        ),
        replace(context, writer=writer, run_key="topics"),
    )

    result = synthesize_examples(SynthesizeExamplesRequest(task="bank"), replace(context, writer=writer, run_key="run"))

    assert (result.wanted, result.accepted) == (144, 144)
    assert result.refused["other label more likely"] == 1
    (refusal,) = [refusal for refusal in result.refusals if refusal.text == STRAY and "other label" in refusal.reason]
    assert "'request_refund' has a probability of" in refusal.reason
    rows = {row.text: row.label for row in read_rows(context.workspace, result.dataset or "", "train")}
    assert STRAY not in rows
    assert rows[BETTER] == "card_arrival"
    assert set(Counter(rows.values()).values()) == {48}
