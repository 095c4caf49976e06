"""The recorder of a language model that was the client on a set: from its workspace to a folder for `loop.py`.

    python benchmarks/looping/record.py --workspace FOLDER --task SLUG --to FOLDER

It takes the newest tree of the task, the written rows of all its datasets, as a round may have been left out, the
validation rows of the newest one, and all answers to its annotations. Of real rows ids alone are kept.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from classwright_tools.domain.topic_tree import TopicTree
from classwright_tools.propose_topics import ProposeTopicsRequest
from classwright_tools.workspace.datasets import read_rows
from classwright_tools.workspace.index import AnswerRow, ArtifactRow
from classwright_tools.workspace.row_columns import table_of_examples
from classwright_tools.workspace.workspace import Workspace
from looping.recorded import write_lines

KEPT = ("text", "label", "origin", "topic", "subtopic", "source_type", "contrast", "round", "writer")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--workspace", type=Path, required=True)
    parser.add_argument("--task", required=True)
    parser.add_argument("--to", type=Path, required=True)
    arguments = parser.parse_args()
    record(Workspace(arguments.workspace), arguments.task, arguments.to)


def record(workspace: Workspace, slug: str, folder: Path) -> None:
    """Write into `folder` what `looping/recorded.py` says, of the task `slug`."""
    folder.mkdir(parents=True, exist_ok=True)
    task = workspace.task(slug)
    tree = workspace.document(workspace.resolve(None, "topics", slug).id, "topics", TopicTree)
    request = ProposeTopicsRequest(
        task=task.slug,
        instruction=task.instruction,
        labels=task.labels,
        languages=task.languages,
        source_types=tree.source_types,
        topics=tree.labels,
    )
    (folder / "task.json").write_text(request.model_dump_json(exclude_defaults=True) + "\n", encoding="utf-8")
    dataset = workspace.resolve(None, "dataset", slug).id
    datasets = sorted(workspace.artifacts(slug, "dataset"), key=lambda made: made.number)
    rows = {row.id: row for made in datasets for row in read_rows(workspace, made.id, "train")}
    written = [row for row in rows.values() if row.origin == "written"]
    columns = table_of_examples(written, task).to_pydict()
    write_lines(
        folder / "written.jsonl.gz",
        (
            {name: columns[name][place] for name in KEPT if columns[name][place] is not None}
            for place in range(len(written))
        ),
    )
    validation = sorted(row.id for row in read_rows(workspace, dataset, "validation"))
    (folder / "rows.json").write_text(json.dumps(validation, separators=(",", ":")) + "\n", encoding="utf-8")
    query = select(AnswerRow).join(ArtifactRow, ArtifactRow.id == AnswerRow.annotation).where(ArtifactRow.task == slug)
    with Session(workspace.engine) as session:
        answers = {row.example: row.answer for row in session.scalars(query.order_by(ArtifactRow.number.desc()))}
    write_lines(folder / "answers.jsonl.gz", ({"id": id_, "answer": answers[id_]} for id_ in sorted(answers)))


if __name__ == "__main__":
    main()
