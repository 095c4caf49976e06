"""The settings of a writer: each backend declares its own, and the flag that each of them has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from classwright_tools.domain.noun import Noun
from classwright_tools.domain.usage import FREE, Prices
from classwright_tools.domain.writer import Writer


@dataclass(frozen=True)
class Flag:
    """How a setting is given: `name` "writer_url" is `--writer-url` and the variable `CLASSWRIGHT_WRITER_URL`."""

    name: str
    metavar: str
    help: str

    @property
    def option(self) -> str:
        """The flag as it is written."""
        return f"--{self.name.replace('_', '-')}"


class WriterSettings(Noun):
    """The settings of one kind of writer. A subclass is a backend: it names its `kind` and its flags, and opens it.

    Each field but `kind` is annotated with its `Flag`, and is a `str`, an `int`, a `float`, a tuple of strings or of
    paths, or one of these or None. The first one's flag chooses this kind of writer.
    """

    kind: str
    loads_model: ClassVar[bool] = False
    """Whether each process that writes loads the model itself: one job writes at a time then."""

    @classmethod
    def flags(cls) -> dict[str, Flag]:
        """Return the flag of each field, in the order of the fields."""
        return {
            name: flag for name, field in cls.model_fields.items() for flag in field.metadata if isinstance(flag, Flag)
        }

    @property
    def key_variables(self) -> tuple[str, ...]:
        """The names of the variables that hold its keys. Only processes that write see them."""
        return ()

    @property
    def prices(self) -> Prices | None:
        """What a token costs; None if the operator did not say."""
        return FREE

    def open(self, environment: Mapping[str, str]) -> Writer:
        """Return the writer; `environment` has its `key_variables`.

        Raises:
            InvalidInput: what was set cannot be used.
        """
        raise NotImplementedError


THINKING_TOKENS = Flag("writer_thinking_tokens", "N", "tokens the model may think before it answers")
