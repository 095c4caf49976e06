"""What the tests of `evaluate` share: its report and its page."""

from __future__ import annotations

import re

from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.workspace.workspace import Workspace


def report_of(workspace: Workspace, id_: str) -> EvaluationReport:
    path = workspace.artifact(id_, "report").path / "report.json"
    return EvaluationReport.model_validate_json(path.read_bytes())


def page_of(workspace: Workspace, id_: str) -> str:
    return (workspace.artifact(id_, "report").path / "report.html").read_text(encoding="utf-8")


def body_text(page: str) -> str:
    """Return what a reader of the page sees first."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main>")[1]).split())
