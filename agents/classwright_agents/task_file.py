"""The fields of a task file: what to build, from which files, how far to go, and with which server."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from classwright_tools.contract import Language, MethodName, methods_for
from classwright_tools.reading.label_names import alike

# What is started when the task file names no server; {workspace} is a folder of the run's own.
DEFAULT_COMMAND = ("classwright", "serve", "--workspace", "{workspace}")
Phrase = Annotated[str, Field(min_length=1, max_length=300)]
Metric = Literal["accuracy", "macro_f1"]
METRIC_NAMES: dict[Metric, str] = {"accuracy": "accuracy", "macro_f1": "macro-F1"}


class Part(BaseModel):
    """A part of the task file; an unknown field is refused, so a misspelt one is never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class LabelEntry(Part):
    """One class: its name and what belongs in it."""

    name: str = Field(min_length=1, max_length=100, description="The label's name.")
    description: str = Field(default="", max_length=2_000, description="What its texts say or ask for.")
    examples: tuple[str, ...] = Field(
        default=(), max_length=20, description="A few of its texts, which show the writer the style."
    )


class Target(Part):
    """The validation figure at which building stops, as a share from 0 to 1."""

    accuracy: float | None = Field(
        default=None, gt=0, le=1, description="The share of texts with the right label, or all right labels."
    )
    macro_f1: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="The mean F1 of the labels: a rare label counts as much as a frequent one.",
    )

    @model_validator(mode="after")
    def _names_one_metric(self) -> Target:
        if (self.accuracy is None) == (self.macro_f1 is None):
            raise ValueError("name one metric: accuracy or macro_f1")
        return self

    @property
    def metric(self) -> Metric:
        """The metric that models are chosen by."""
        return "accuracy" if self.accuracy is not None else "macro_f1"

    @property
    def value(self) -> float:
        """The figure to reach."""
        return self.accuracy if self.accuracy is not None else self.macro_f1 or 1.0


class Budget(Part):
    """What may be spent before building stops; what is left out is not limited."""

    tokens: int | None = Field(default=None, ge=1, description="Tokens that the writer and the driver read and write.")
    dollars: float | None = Field(
        default=None, gt=0, description="What the writer costs by the server's prices, and the driver by its own."
    )
    minutes: float | None = Field(default=None, gt=0, description="Another round begins only if it fits.")


def _words(command: Any) -> Any:
    """Return a command line given as one string as its words."""
    return shlex.split(command) if isinstance(command, str) else command


def _is_url(url: str) -> str:
    """Return `url`, raising a ValueError unless it names a host and, if it names one, a port."""
    parts = urlsplit(url)
    if not parts.hostname or parts.port == 0:
        raise ValueError("names no host, or port 0")
    return url


HttpUrl = Annotated[str, Field(pattern=r"^https?://[^\s@]+$", max_length=2_000), AfterValidator(_is_url)]


class ServerEntry(Part):
    """Where the tools are: a command to start over stdio, or the URL of a running server."""

    command: Annotated[tuple[str, ...] | None, BeforeValidator(_words)] = Field(
        default=None,
        description="Started over stdio in the task file's folder: a line as for a shell, or a list of words; "
        "`{workspace}` stands for a folder of the run's own.",
    )
    url: HttpUrl | None = Field(
        default=None,
        examples=["http://127.0.0.1:8931/mcp"],
        description="A running server, over streamable HTTP.",
    )
    token_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        examples=["CLASSWRIGHT_TOKEN"],
        description="The environment variable that holds the server's bearer token.",
    )

    @model_validator(mode="after")
    def _is_one_server(self) -> ServerEntry:
        if self.command and self.url:
            raise ValueError("give 'command' or 'url', not both")
        if self.command == ():
            raise ValueError("'command' holds no word")
        if self.token_env and not self.url:
            raise ValueError("'token_env' goes with 'url': a server started over stdio takes no token")
        return self


class DriverEntry(Part):
    """A language model that decides the moves of a build, behind an OpenAI-compatible endpoint."""

    url: HttpUrl = Field(
        examples=["http://127.0.0.1:8000/v1"], description="The endpoint's base URL; the writer's will do."
    )
    model: str = Field(min_length=1, max_length=200, description="The model's name there; it must take tools.")
    key_env: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        examples=["OPENAI_API_KEY"],
        description="The environment variable that holds the endpoint's key.",
    )
    price_in: float = Field(default=0, ge=0, description="US dollars for a million tokens read.")
    price_out: float = Field(default=0, ge=0, description="US dollars for a million tokens written.")


class TaskFile(Part):
    """Everything that a build needs to know. Paths are absolute once the file is loaded."""

    task: str = Field(
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        examples=["hotel_reviews"],
        description="A short name: lower-case letters, digits and underscores, a letter first.",
    )
    instruction: str = Field(min_length=3, max_length=4_000, description="What is classified, and by what.")
    labels: tuple[LabelEntry, ...] = Field(min_length=2, max_length=500, description="The classes.")
    multi_label: bool = Field(
        default=False, description="Whether a text may have several of the labels, or none of them."
    )
    languages: tuple[Language, ...] = Field(
        default=("en",), min_length=1, max_length=30, description="The languages of the texts, as codes such as `de`."
    )
    source_types: tuple[Phrase, ...] = Field(
        default=(), max_length=20, description="Where texts come from, such as `e-mail`; left out: the writer proposes."
    )
    topics_per_label: int = Field(default=4, ge=1, le=20, description="How many topics the writer proposes a label.")
    subtopics_per_topic: int = Field(default=2, ge=1, le=20, description="How many situations it proposes a topic.")
    rows: int | None = Field(default=None, ge=1, le=200_000, description="Texts of the first round in all.")
    rows_per_cell: int | None = Field(
        default=None,
        ge=1,
        le=1_000,
        description="Texts of the first round for each cell: label, topic, subtopic and source type. Left out, as "
        "`rows`: as many as the server's default.",
    )
    validation: Path | None = Field(
        default=None, description="A file of real rows that models are chosen by: JSONL, CSV or TSV."
    )
    test: Path | None = Field(default=None, description="A file of real rows for the final figure, used once.")
    method: MethodName = Field(default="auto", description="The training method of the rounds.")
    final_method: MethodName | None = Field(
        default=None,
        description="Trained once after the last round, and kept unless the comparison says to keep the earlier model.",
    )
    encoder: str | None = Field(
        default=None, max_length=200, description="A sentence-transformers model. Left out: the server's own."
    )
    target: Target = Field(
        default=Target(accuracy=1.0),
        description="The validation figure at which building stops, in one metric. Left out: accuracy 1.",
    )
    max_rounds: int = Field(default=4, ge=1, le=50, description="Rounds of writing and training, the first included.")
    rows_per_round: int = Field(
        default=300, ge=1, le=20_000, description="Texts that a round after the first may ask for."
    )
    budget: Budget = Field(default=Budget(), description="What may be spent; a limit that is left out does not hold.")
    server: ServerEntry = Field(
        default=ServerEntry(), description="Where the tools are. Left out: `classwright serve` is started."
    )
    driver: DriverEntry | None = Field(
        default=None, description="A language model that decides what to do next. Left out: the agent's own rules."
    )
    credit: str = Field(default="", max_length=500, description="Where the rows come from, for report and card.")

    @property
    def label_names(self) -> tuple[str, ...]:
        """The labels' names."""
        return tuple(label.name for label in self.labels)

    @property
    def of_topics(self) -> dict[str, Any]:
        """The arguments of propose_topics; a size that is named, be it the default, makes another tree."""
        sizes = {"topics_per_label", "subtopics_per_topic"} & self.model_fields_set
        names = {"task", "instruction", "labels", "languages", *sizes}
        names |= {name for name in ("source_types", "multi_label") if getattr(self, name)}
        return self.model_dump(mode="json", include=names)

    @model_validator(mode="after")
    def _counts_rows_once(self) -> TaskFile:
        if self.rows and self.rows_per_cell:
            raise ValueError("give 'rows' (in all) or 'rows_per_cell', not both")
        return self

    @model_validator(mode="after")
    def _trains_by_methods_for_its_texts(self) -> TaskFile:
        allowed = methods_for("text", multi_label=self.multi_label)
        texts = "texts with several labels" if self.multi_label else "single texts"
        for field in ("method", "final_method"):
            method = getattr(self, field)
            if method not in (None, *allowed):
                raise ValueError(f"{field} {method!r} does not train on {texts}: use one of {', '.join(allowed)}")
        return self

    @field_validator("labels")
    @classmethod
    def _names_differ(cls, labels: tuple[LabelEntry, ...]) -> tuple[LabelEntry, ...]:
        if repeated := alike([label.name for label in labels]):
            raise ValueError(repeated)
        return labels
