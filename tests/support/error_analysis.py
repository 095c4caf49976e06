"""What the tests of error_analysis share: a call of it, and its report."""

from __future__ import annotations

from classwright_tools.error_analysis import ErrorAnalysisRequest, ErrorAnalysisResult, error_analysis
from classwright_tools.measurement.error_report import ErrorReport
from classwright_tools.workspace.workspace import Workspace
from support.measurement import context_on


def analysed(workspace: Workspace, model: str, dataset: str, rows: int = 300) -> ErrorAnalysisResult:
    return error_analysis(ErrorAnalysisRequest(model=model, dataset=dataset, rows=rows), context_on(workspace))


def report_of(workspace: Workspace, result: ErrorAnalysisResult) -> ErrorReport:
    path = workspace.artifact(result.report, "report").path / "report.json"
    return ErrorReport.model_validate_json(path.read_bytes())


def page_of(workspace: Workspace, result: ErrorAnalysisResult) -> str:
    return (workspace.artifact(result.report, "report").path / "report.html").read_text(encoding="utf-8")
