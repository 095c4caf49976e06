"""The verbs that the server offers: their models, and how it is told which lane a job of theirs waits in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from classwright_server.jobs import lanes
from classwright_tools.classify import ClassifyRequest, ClassifyResult
from classwright_tools.error_analysis import ErrorAnalysisRequest, ErrorAnalysisResult
from classwright_tools.evaluate import EvaluateRequest, EvaluateResult
from classwright_tools.export_model import ExportModelRequest, ExportModelResult
from classwright_tools.gan_augment import GanAugmentRequest, GanAugmentResult
from classwright_tools.import_examples import ImportExamplesRequest, ImportExamplesResult
from classwright_tools.propose_topics import ProposeTopicsRequest, ProposeTopicsResult
from classwright_tools.submit_examples import SubmitExamplesRequest, SubmitExamplesResult
from classwright_tools.synthesize_examples import SynthesizeExamplesRequest, SynthesizeExamplesResult
from classwright_tools.train_classifier import TrainClassifierRequest, TrainClassifierResult


@dataclass(frozen=True)
class Verb:
    """One tool of the library."""

    name: str
    request: type[Any]
    result: type[Any]
    judge: lanes.Judge

    def function(self) -> Callable[..., Any]:
        """Return the library's function of this name."""
        return getattr(import_module(f"classwright_tools.{self.name}"), self.name)  # type: ignore[no-any-return]  # by name


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("propose_topics", ProposeTopicsRequest, ProposeTopicsResult, lanes.writing),
        Verb("synthesize_examples", SynthesizeExamplesRequest, SynthesizeExamplesResult, lanes.writing),
        Verb("submit_examples", SubmitExamplesRequest, SubmitExamplesResult, lanes.writing),
        Verb("import_examples", ImportExamplesRequest, ImportExamplesResult, lanes.importing),
        Verb("train_classifier", TrainClassifierRequest, TrainClassifierResult, lanes.training),
        Verb("evaluate", EvaluateRequest, EvaluateResult, lanes.measuring),
        Verb("error_analysis", ErrorAnalysisRequest, ErrorAnalysisResult, lanes.analysing),
        Verb("gan_augment", GanAugmentRequest, GanAugmentResult, lanes.generating),
        Verb("classify", ClassifyRequest, ClassifyResult, lanes.classifying),
        Verb("export_model", ExportModelRequest, ExportModelResult, lanes.exporting),
    )
}
