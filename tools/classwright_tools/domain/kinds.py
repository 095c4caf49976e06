"""The kinds of artifacts, a row each, and the types of their ids: an id says of which kind it is by its letter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

Kind = Literal["dataset", "model", "report", "topics", "plan", "assignment", "export", "augmentation", "annotation"]


@dataclass(frozen=True)
class ArtifactKind:
    """One kind of artifact."""

    name: Kind
    letter: str
    """Stands before the number in an id."""
    folder: str
    """Stands before the id in a URI."""
    document: str
    """The file that describes an artifact; "" where the list of its files does."""
    words: str
    """What people call it."""

    @property
    def one(self) -> str:
        """What people call one of it."""
        return f"{'an' if self.words[0] in 'aeiou' else 'a'} {self.words}"


KINDS: Mapping[Kind, ArtifactKind] = {
    kind.name: kind
    for kind in (
        ArtifactKind("dataset", "d", "datasets", "card.json", "dataset"),
        ArtifactKind("model", "m", "models", "card.json", "model"),
        ArtifactKind("report", "r", "reports", "report.json", "report"),
        ArtifactKind("topics", "t", "topics", "document.json", "topic tree"),
        ArtifactKind("plan", "p", "plans", "document.json", "plan"),
        ArtifactKind("assignment", "a", "assignments", "document.json", "assignment"),
        ArtifactKind("export", "x", "exports", "", "export"),
        ArtifactKind("augmentation", "g", "augmentations", "card.json", "augmentation"),
        ArtifactKind("annotation", "n", "annotations", "document.json", "annotation"),
    )
}
_TASK = "[a-z][a-z0-9_]{0,39}"
_NUMBER = "[0-9]{1,9}"
_LETTERS = "".join(kind.letter for kind in KINDS.values())
_ID = re.compile(f"{_TASK}-(?P<letter>[{_LETTERS}]){_NUMBER}")


def kind_of(id_: str) -> ArtifactKind | None:
    """Return the kind of the artifact that `id_` names, or None if it is no artifact's id."""
    found = _ID.fullmatch(id_)
    return next((kind for kind in KINDS.values() if found and kind.letter == found["letter"]), None)


def task_of(id_: str) -> str:
    """Return the task of the artifact that `id_` names."""
    return id_.rpartition("-")[0]


def names_one_of(text: str, task: str) -> bool:
    """Return whether `text` names an artifact of `task` by its id."""
    return re.search(rf"(?<![a-z0-9_]){task}-[{_LETTERS}][0-9]", text) is not None


def number_of(id_: str) -> int:
    """Return the number of the artifact that `id_` names: of one task and kind a later one has a higher one."""
    return int(id_.rpartition("-")[2][1:])


@dataclass(frozen=True)
class IdOf:
    """Makes of `str` the id of an artifact of one `kind`; the id of another kind is told so."""

    kind: Kind

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return the schema of a text that is such an id."""
        return core_schema.no_info_after_validator_function(self._checked, core_schema.str_schema())

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Return the schema for callers, whose models pay for every word: the task before the letter goes unsaid."""
        kind = KINDS[self.kind]
        pattern = f"-{kind.letter}{_NUMBER}$"
        return {"type": "string", "pattern": pattern, "description": f"The id of {kind.one}."}

    def _checked(self, id_: str) -> str:
        wanted, found = KINDS[self.kind], kind_of(id_)
        if found == wanted:
            return id_
        reason = f"is the id of {found.one}, not of {wanted.one}" if found else f"is no id of {wanted.one}"
        raise ValueError(f"{reason}: pass one as a tool returned it, such as banking12-{wanted.letter}1")


DatasetId = Annotated[str, IdOf("dataset")]
ModelId = Annotated[str, IdOf("model")]
ReportId = Annotated[str, IdOf("report")]
TopicTreeId = Annotated[str, IdOf("topics")]
PlanId = Annotated[str, IdOf("plan")]
AssignmentId = Annotated[str, IdOf("assignment")]
ExportId = Annotated[str, IdOf("export")]
AugmentationId = Annotated[str, IdOf("augmentation")]
AnnotationId = Annotated[str, IdOf("annotation")]


@cache
def ids_of(model: type[BaseModel]) -> Mapping[str, Kind]:
    """Return the fields of `model` that hold the id of an artifact, each with the kind."""
    return {
        name: kind
        for name, field in model.model_fields.items()
        for kind in _kinds_in((field.annotation, *field.metadata))
    }


def _kinds_in(parts: tuple[Any, ...]) -> Iterator[Kind]:
    """Yield the kind of each `IdOf` in the parts of a type, such as that of an id that may be left out."""
    for part in parts:
        if isinstance(part, IdOf):
            yield part.kind
        else:
            yield from _kinds_in(get_args(part))
