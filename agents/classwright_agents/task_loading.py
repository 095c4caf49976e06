"""Reading of task files: from YAML to fields; a mistake is reported with its field and the repair."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from classwright_agents.errors import TaskFileError
from classwright_agents.plain import plain
from classwright_agents.rows import read_rows
from classwright_agents.task_file import TaskFile
from classwright_tools.domain.schema_places import fields_at, schemas_at

DRAFTING = "`classwright-agent init --texts FILE`"
# What a field that holds fields of its own looks like.
FORMS = {
    "LabelEntry": "{name: refund, description: asks for money back}",
    "Target": "{accuracy: 0.9}",
    "Budget": "{minutes: 60}",
    "DriverEntry": "{url: 'http://127.0.0.1:8000/v1', model: NAME}",
    "ServerEntry": "{command: classwright serve} or {url: 'http://127.0.0.1:8931/mcp'}",
}


def load_task_file(path: Path) -> TaskFile:
    """Return the task file at `path`, its relative paths resolved against its own folder.

    The files of real rows are read as well: a mistake there is reported before anything is written or paid for.

    Raises:
        TaskFileError: it does not exist, is not YAML, or a field cannot be used, or a file that it names; the field, or
            the file's line, is named.
    """
    subject = f"task file {path.name!r}"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "cannot be read"
        raise TaskFileError(subject, reason, "Pass the path of a YAML file that describes a task.") from error
    try:
        data = _OnceOnly(text).get_single_data()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark else ""
        raise TaskFileError(subject, f"is not YAML{where}", "Mend the indentation or the quotes there.") from error
    except ValueError as error:  # such as a 13th month
        raise TaskFileError(subject, f"holds a value that cannot be: {error}", "Correct it or quote it.") from error
    if not isinstance(data, dict):
        raise TaskFileError(subject, "holds no fields", "Write 'task:', 'instruction:' and 'labels:' at least.")
    task = task_from(data, subject)
    folder = path.resolve().parent
    task = task.model_copy(update={name: _resolved(folder, task, name, subject) for name in ("validation", "test")})
    for rows in filter(None, (task.validation, task.test)):
        read_rows(rows, task.label_names, several=task.multi_label)
    return task


def task_from(fields: dict[str, Any], subject: str) -> TaskFile:
    """Return the task that `fields` describe; `subject` names where they stand.

    Raises:
        TaskFileError: a field cannot be used; it is named.
    """
    try:
        return TaskFile.model_validate(fields)
    except ValidationError as error:
        raise _field_error(subject, error) from error


class _OnceOnly(yaml.SafeLoader):
    """Loads YAML as `yaml.safe_load` does, which of a field that is given twice takes the last: here it is refused."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the fields of `node`.

        Raises:
            TaskFileError: one of them is given twice.
        """
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in lines:
                raise TaskFileError(
                    f"field {plain(key.value)!r}",
                    f"is given twice, in lines {lines[key.value]} and {line}",
                    "Keep one of them.",
                )
            lines[key.value] = line
        return super().construct_mapping(node, deep)


def _field_error(subject: str, error: ValidationError) -> TaskFileError:
    """Return one of pydantic's errors as one that names the field and the repair.

    A field that there is not comes first: misspelt, it is what others lack.
    """
    errors = error.errors(include_url=False)
    first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
    field = ""
    for step in first["loc"]:
        field += f"[{step}]" if isinstance(step, int) else f".{step}" if field else str(step)
    schema = TaskFile.model_json_schema()
    reason, repair = _reason_and_repair(first["type"], first["input"], first.get("ctx", {}))
    if first["type"] == "extra_forbidden":
        taken = fields_at(schema, first["loc"][:-1])
        nearest = difflib.get_close_matches(str(first["loc"][-1]), taken, 1)
        repair = f"Did you mean {nearest[0]!r}?" if nearest else f"There are {', '.join(taken)}."
    elif first["type"] == "string_pattern_mismatch":
        examples = [example for there in schemas_at(schema, first["loc"]) for example in there.get("examples", ())]
        repair = f"Write it as {examples[0]!r} is written." if examples else repair
    if first["loc"] == ("labels",) and first["type"] in ("missing", "too_short"):
        repair += f" Of texts whose kinds nobody knows {DRAFTING} drafts them."
    if not reason:
        message = first["msg"].removeprefix("Value error, ")
        reason = message[:1].lower() + message[1:].rstrip(".")
    place = f"{subject}, field {field!r}" if field else subject
    more = f" ({error.error_count() - 1} more beside it.)" if error.error_count() > 1 else ""
    return TaskFileError(place, reason, repair + more)


def _reason_and_repair(kind: str, given: Any, context: dict[str, Any]) -> tuple[str, str]:
    """Return why a value cannot be used, "" where pydantic says it in words that are not Python's, and the repair."""
    match kind:
        case "tuple_type":
            return "is not a list", f"Write a list: [{given if isinstance(given, str | int | float) else '...'}]."
        case "too_short":
            return f"holds {context['actual_length']}, where at least {context['min_length']} are needed", "Add some."
        case "extra_forbidden":
            return "is no field of a task file", ""
        case "string_pattern_mismatch":
            return "has another form than it must have", ""
        case "path_type":
            return "is not the name of a file", "Write a path, from the task file's folder on."
        case "missing":
            return "", "Add the field."
        case "model_type":
            return "holds no fields of its own", f"Write {FORMS[context['class_name']]}."
        case "string_type" if isinstance(given, list | dict | None):
            return "is not a text", "Write a text."
        case "string_type":
            name = {bool: "true or false", int: "a number", float: "a number"}.get(type(given), "a date")
            return f"is {name} to YAML, not a text", "Put it in quotes."
    return "", "Change its value."


def _resolved(folder: Path, task: TaskFile, name: str, subject: str) -> Path | None:
    """Return the file that the field `name` means, which must exist."""
    given: Path | None = getattr(task, name)
    if given is None:
        return None
    path = folder / given
    place = f"{subject}, field {name!r}"
    if path.is_dir():
        raise TaskFileError(place, f"{str(given)!r} is a folder", "Name a file.")
    if not path.is_file():
        raise TaskFileError(place, f"the file {str(given)!r} does not exist", "Paths are relative to the task file.")
    return path
