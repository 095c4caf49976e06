"""The verbs that the server offers: their models, and which queue their jobs wait in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from classwright_server.settings import QueueName
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
    """One tool of the library. Jobs of the queue "compute" run one at a time, those of "writing" beside each other."""

    name: str
    request: type[Any]
    result: type[Any]
    queue: QueueName

    def function(self) -> Callable[..., Any]:
        """Return the library's function of this name."""
        return getattr(import_module(f"classwright_tools.{self.name}"), self.name)  # type: ignore[no-any-return]  # by name


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("propose_topics", ProposeTopicsRequest, ProposeTopicsResult, "writing"),
        Verb("synthesize_examples", SynthesizeExamplesRequest, SynthesizeExamplesResult, "writing"),
        Verb("submit_examples", SubmitExamplesRequest, SubmitExamplesResult, "writing"),
        Verb("import_examples", ImportExamplesRequest, ImportExamplesResult, "writing"),
        Verb("train_classifier", TrainClassifierRequest, TrainClassifierResult, "compute"),
        Verb("evaluate", EvaluateRequest, EvaluateResult, "compute"),
        Verb("error_analysis", ErrorAnalysisRequest, ErrorAnalysisResult, "compute"),
        Verb("gan_augment", GanAugmentRequest, GanAugmentResult, "compute"),
        Verb("classify", ClassifyRequest, ClassifyResult, "compute"),
        Verb("export_model", ExportModelRequest, ExportModelResult, "compute"),
    )
}
