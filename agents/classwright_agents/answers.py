"""What the agent takes from a server: each answer is checked by its model before anything is done with it.

A server may be older, newer, or not a Classwright server at all. What a model does not name is kept and passed on.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classwright_agents.errors import ServerError

Id = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}-[a-z][0-9]{1,9}$")]
Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(allow_inf_nan=False)]
Data = Literal["real", "written", "mixed"]


class Answer(BaseModel):
    """Part of an answer; its fields are those that the agent reads."""

    model_config = ConfigDict(extra="allow")


class Interval(Answer):
    """A figure and its interval."""

    value: Share
    low: Share
    high: Share


class Scores(Answer):
    """Figures on a number of rows."""

    rows: Count
    accuracy: Interval
    macro_f1: Interval
    not_covered: list[str] = []


class TrainingScores(Scores):
    """Those of a training, which say on what rows."""

    data: Data


class Usage(Answer):
    """What a writer was asked for."""

    writer: str
    requests: Count
    completions_reused: Count = 0  # a job without a result does not tell it
    tokens_in: Count
    tokens_out: Count
    cost: Share


class Topics(Answer):
    """Of `propose_topics`."""

    topic_tree: Id | None
    cells: Count
    usage: Usage | None = None


class Imported(Answer):
    """Of `import_examples`."""

    dataset: Id | None
    imported: Count
    skipped: dict[str, Count]
    labels: dict[str, Count]


class Cell(Answer):
    """Where texts are missing."""

    label: str


class Missing(Answer):
    """Texts that are missing, and why."""

    cell: Cell
    contrast: str | None = None
    missing: Count
    reason: str


class Refusal(Answer):
    """A text that was refused, and why."""

    text: str | None = None
    reason: str


class Written(Answer):
    """Of `synthesize_examples`."""

    dataset: Id | None
    wanted: Count
    accepted: Count
    refused: dict[str, Count]
    refusals: list[Refusal] = []
    missing: list[Missing] = []
    usage: Usage | None = None


class Trained(Answer):
    """Of `train_classifier`."""

    model: Id
    dataset: Id
    method: str
    training_rows: Count
    real_training_rows: Count
    texts_embedded: Count
    texts_reused: Count
    validation: TrainingScores


class Compared(Answer):
    """A model against another one."""

    against: str
    accuracy_gain: Interval
    macro_f1_gain: Interval
    p: Share
    significant: bool


class Evaluated(Answer):
    """Of `evaluate`."""

    report: Id
    data: Data
    figures: Scores
    comparison: Compared | None = None


class Analysed(Answer):
    """Of `error_analysis`."""

    report: Id
    model: Id
    plan: Id | None = None


class Exported(Answer):
    """Of `export_model`."""

    export: Id


class PartShown(Answer):
    """A list of an answer that was shortened."""

    uri: str | None = None


class Job(Answer):
    """A job as the server tells of it."""

    job_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,80}$")]
    status: Literal["queued", "running", "completed", "failed", "cancelled"]
    progress: Share | None = None
    message: str = ""
    error: str | None = None
    usage: Usage | Annotated[dict[str, Any], Field(max_length=0)] | None = None
    shown_in_part: dict[str, PartShown] = {}
    result: dict[str, Any] | None = None


class Jobs(Answer):
    """Of `list_jobs`."""

    class Line(Answer):
        """A job in a list."""

        job_id: str
        tool: str

    jobs: list[Line]


RESULTS: dict[str, type[Answer]] = {
    "propose_topics": Topics,
    "import_examples": Imported,
    "synthesize_examples": Written,
    "train_classifier": Trained,
    "evaluate": Evaluated,
    "error_analysis": Analysed,
    "export_model": Exported,
}


class ReportClass(Answer):
    """A label's figures in a report."""

    label: str
    f1: Interval
    precision: Interval
    recall: Interval
    support: Count


class Confusion(Answer):
    """How often one label was taken for another."""

    label: str
    predicted: str
    count: Count
    share: Share


class Report(Answer):
    """An evaluation's `report.json`."""

    data: Data
    split: str
    labels: list[str]
    confusion_matrix: list[list[Count]]
    classes: list[ReportClass]
    confusions: list[Confusion] = []
    warnings: list[str] = []


class Row(Answer):
    """A row of a dataset."""

    text: str
    label: str = ""
    origin: str
    provenance: dict[str, Any] = {}


class Rows(Answer):
    """A page of a dataset's rows."""

    total: Count
    rows: list[Row]


A = TypeVar("A", bound=BaseModel)


def checked(model: type[A], answer: Any, subject: str) -> dict[str, Any]:
    """Return `answer` as `model` has it: a dict with what it lacked, which has a default.

    Raises:
        ServerError: it is not what a Classwright server answers.
    """
    return read_as(model, answer, subject).model_dump(mode="json")


def read_as(model: type[A], answer: Any, subject: str) -> A:
    """Return `answer`, a value or JSON in bytes, as a `model`.

    Raises:
        ServerError: it is not what a Classwright server answers.
    """
    try:
        if isinstance(answer, bytes):
            return model.model_validate_json(answer)
        return model.model_validate(answer)
    except (ValidationError, ValueError, TypeError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": "it is no JSON"}
        place = " ".join((".".join(map(str, first["loc"]))[:80], str(first["msg"])[:120]))
        reason = f"is not what a Classwright server answers ({place.strip()})"
        raise ServerError(subject, reason, "Connect to a Classwright server of this version.") from error
