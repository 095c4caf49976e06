"""One run of a writer: fill the targets, check the labels of all rows together, replace what falls out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from pydantic import ValidationError

from classwright_tools.context import ToolContext
from classwright_tools.curation.gates import QualityFilter
from classwright_tools.domain.example import Example
from classwright_tools.domain.outcome import Refusal, WritingOutcome
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.errors import DamagedArtifact
from classwright_tools.meter import metered
from classwright_tools.workspace.own_files import read_own
from classwright_tools.workspace.workspace import Artifact, Workspace
from classwright_tools.writing.completions.metering import asking, count_usage
from classwright_tools.writing.completions.session import WritingSession, session_of
from classwright_tools.writing.generation.filling import Filling
from classwright_tools.writing.generation.label_check import doubtful_labels
from classwright_tools.writing.generation.requests import first_requests, writing_units
from classwright_tools.writing.generation.spec import GenerationSpec
from classwright_tools.writing.generation.targets import shown_as_style

LABEL_CHECKS = 2  # of what was written first, and of what replaced the rows that fell out
OUTCOME = "writing.json"
REFUSED = "refused.jsonl"
REFUSALS_KEPT = 20  # in the outcome; all of them are in the file of refused texts


@dataclass(frozen=True)
class Written:
    """The accepted rows, every refused candidate, and the account of both."""

    filling: Filling
    usage: WriterUsage

    @property
    def examples(self) -> list[Example]:
        """The accepted rows, in the targets' spec."""
        return self.filling.examples

    @property
    def refusals(self) -> list[Refusal]:
        """Every refused candidate."""
        return self.filling.refusals

    @property
    def outcome(self) -> WritingOutcome:
        """The account of the writing."""
        return WritingOutcome(
            wanted=self.filling.wanted,
            accepted=self.filling.accepted,
            refused=dict(self.filling.refused),
            refusals=tuple(self.filling.refusals[:REFUSALS_KEPT]),
            missing=tuple(self.filling.missing),
            usage=self.usage,
            repair=self.filling.repair,
        )

    def copy(self) -> Written:
        """Return the same, of which rows are refused by themselves."""
        return Written(self.filling.copy(), self.usage)

    def drop_repeats(self, gates: QualityFilter) -> None:
        """Refuse the accepted rows that repeat one that `gates` compares with: they count as missing."""
        for id_, refused in gates.repeated(self.examples).items():
            self.filling.drop({id_: refused.detail}, refused.reason)


def write_texts(
    spec: GenerationSpec,
    context: ToolContext,
    *,
    candidates_per_row: float,
    max_tokens: int | None,
    max_cost: float | None,
    max_minutes: float | None = None,
) -> Written:
    """Return what the context's writer wrote for `spec`, judged and counted.

    Raises:
        WriterFailed, BudgetExceeded: that stopped the writing before a single text was accepted.
        Cancelled: the caller asked to stop; what had arrived is stored.
    """
    writer = context.writer
    assert writer is not None
    gates = QualityFilter.for_dataset(context.workspace, spec.task, spec.parent)
    gates.add_shown(shown_as_style(spec.targets))
    filling = Filling(
        spec.task,
        spec.targets,
        writer=writer,
        gates=gates,
        writing_round=spec.round,
        candidates_per_row=candidates_per_row,
        existing=spec.there,
    )
    session = session_of(context, max_tokens=max_tokens, max_cost=max_cost, max_minutes=max_minutes)
    units = writing_units(first_requests(spec.targets, spec.task, spec.round, gates))
    with metered(asking("writing", writer.name), units) as piece:
        asyncio.run(_fill_and_check(filling, session, spec, context))
    count_usage(piece, session.usage, whole=session.stopped is None)
    if not filling.accepted and session.stopped is not None:
        raise session.stopped
    return Written(filling, session.usage)


def outcome_files(written: Written) -> dict[str, str]:
    """Return the files that lie beside the dataset: the account, and the refused candidates one a line."""
    refused = "".join(f"{refusal.model_dump_json()}\n" for refusal in written.refusals)
    return {OUTCOME: written.outcome.model_dump_json(indent=1)} | ({REFUSED: refused} if refused else {})


def read_outcome(dataset: Artifact) -> WritingOutcome:
    """Return the account that lies beside `dataset`.

    Raises:
        DamagedArtifact: it is gone or does not read back.
    """
    try:
        return WritingOutcome.model_validate_json(read_own(dataset.path / OUTCOME))
    except (OSError, ValidationError) as error:
        raise DamagedArtifact(
            f"dataset {dataset.id!r}", f"its {OUTCOME} cannot be read back", "Call synthesize_examples anew."
        ) from error


def outcomes_behind(workspace: Workspace, dataset: str) -> list[WritingOutcome]:
    """Return the accounts of the writer's runs that `dataset` grew from, the first one first.

    Raises:
        NotFound: there is no such dataset.
        DamagedArtifact: an account is gone or does not read back.
    """
    found = []
    while dataset:
        made = workspace.artifact(dataset, "dataset")
        if made.facts.get("made_by") == "synthesize_examples":
            found.append(read_outcome(made))
        dataset = made.parent or ""
    return found[::-1]


async def _fill_and_check(
    filling: Filling, session: WritingSession, spec: GenerationSpec, context: ToolContext
) -> None:
    """Fill, and take out the rows to which another label fits better; what they leave open is filled once more."""
    for _ in range(LABEL_CHECKS):
        await filling.fill(session, context.progress)
        doubtful = doubtful_labels(filling.examples, spec.there, context)
        if not doubtful:
            return
        filling.drop(doubtful, "other label more likely")
