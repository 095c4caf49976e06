"""Whether the writer is the limit: by the texts that it gave, and told with what would help."""

from __future__ import annotations

import pytest

from classwright_tools.domain.outcome import ENDED, WritingOutcome
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.domain.writer_limit import writer_limit


def writing(accepted: int, refused: dict[str, int], tokens: int = 9_000, *, by_model: bool = True) -> WritingOutcome:
    """The account of a run that wanted 40 texts."""
    usage = WriterUsage(writer="small-1b", tokens_in=tokens - 1_000, tokens_out=1_000) if by_model else None
    return WritingOutcome(wanted=40, accepted=accepted, refused=refused, usage=usage)


def test_a_writer_most_of_whose_texts_are_refused_is_the_limit_and_what_would_help_is_said() -> None:
    told = writer_limit([writing(9, {"unparsable": 12, "near-duplicate": 20, "too short": 1, "too long": 1})])

    assert told == (
        "The writer is the limit: of 43 texts that 'small-1b' was to give, 9 could be used (near-duplicate 20, "
        "unparsable 12, too short 1). They took 9,000 tokens, 1,000 a row. A larger model, or the calling model as the "
        "writer (a server without one), would help most; so would labels for real texts (annotate_examples)."
    )


def test_all_writings_of_a_dataset_count_together() -> None:
    good, bad = writing(40, {"duplicate": 2}), writing(3, {"duplicate": 90})

    assert writer_limit([bad])
    assert "of 135 texts" in writer_limit([good, bad])
    assert not writer_limit([good, good, bad])


@pytest.mark.parametrize(
    "innocent",
    [
        writing(20, {"near-duplicate": 20}),
        writing(5, {"near-duplicate": 15}),
        writing(0, {"near-duplicate": 4}),
        writing(20, {ENDED: 30}),
        writing(2, {"near-duplicate": 40}, by_model=False),
    ],
    ids=["half is good", "what may be chance", "few texts", "labels that ended meanwhile", "the calling model"],
)
def test_a_writer_is_not_blamed_for(innocent: WritingOutcome) -> None:
    assert writer_limit([innocent]) == ""


def test_a_writer_that_gave_nothing_is_told_without_a_share() -> None:
    told = writer_limit([writing(0, {"unparsable": 30})])

    assert "0 could be used" in told
    assert "They took 9,000 tokens. A larger" in told
