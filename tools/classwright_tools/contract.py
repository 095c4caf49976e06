"""The contract of the wire: what the tools answer, for clients that are written in Python.

It is one door to nouns, results, names of methods and words that stand elsewhere. It needs pydantic and nothing that
the tools compute with, so a client runs where the server's libraries are not installed.
"""

from __future__ import annotations

from classwright_tools.domain.comparison import Comparison
from classwright_tools.domain.cost import CostEstimate
from classwright_tools.domain.evaluation import EvaluationReport
from classwright_tools.domain.example import Data, Example
from classwright_tools.domain.excerpt import counted, told_below
from classwright_tools.domain.figures import ClassFigures, Estimate, Scores
from classwright_tools.domain.kinds import kind_of, task_of
from classwright_tools.domain.noun import LabelName, Noun, Part
from classwright_tools.domain.outcome import Refusal, Shortfall
from classwright_tools.domain.task import Language
from classwright_tools.domain.text_group import TextGroup
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.usage import WriterUsage
from classwright_tools.domain.writer_limit import writer_limit
from classwright_tools.error_analysis import ErrorAnalysisResult
from classwright_tools.evaluate import EvaluateResult
from classwright_tools.export_model import ExportModelResult
from classwright_tools.find_examples import FindExamplesResult
from classwright_tools.import_examples import ImportExamplesResult
from classwright_tools.learning.methods.choice import MethodName
from classwright_tools.learning.methods.registry import methods_for
from classwright_tools.propose_topics import ProposeTopicsResult
from classwright_tools.synthesize_examples import SynthesizeExamplesResult
from classwright_tools.train_classifier import TrainClassifierResult

__all__ = [
    "Cell",
    "ClassFigures",
    "Comparison",
    "CostEstimate",
    "Data",
    "ErrorAnalysisResult",
    "Estimate",
    "EvaluateResult",
    "EvaluationReport",
    "Example",
    "ExportModelResult",
    "FindExamplesResult",
    "ImportExamplesResult",
    "LabelName",
    "Language",
    "MethodName",
    "Noun",
    "Part",
    "ProposeTopicsResult",
    "Refusal",
    "Scores",
    "Shortfall",
    "SynthesizeExamplesResult",
    "TextGroup",
    "TrainClassifierResult",
    "WriterUsage",
    "counted",
    "kind_of",
    "methods_for",
    "task_of",
    "told_below",
    "writer_limit",
]
