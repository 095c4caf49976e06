"""The work of a training: which texts are encoded, and how often each method is fitted to how many rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from classwright_tools.context import AUTO_ENCODER, ToolContext
from classwright_tools.domain.example import REAL_TEXTS, SPLITS
from classwright_tools.estimates.encoding import Encoding, encoding_by, texts_of
from classwright_tools.estimates.expectation import Expected, expected_seconds, speed_of
from classwright_tools.estimates.guesses import FITS, LIBRARIES_MB, OWN, TUNED_COPIES
from classwright_tools.estimates.history import History
from classwright_tools.estimates.parts import Guess, Part, Workload

if TYPE_CHECKING:
    from classwright_tools.learning.methods.method import FitSize, Imbalance, Method
    from classwright_tools.train_classifier import TrainClassifierRequest

_HELD_IN = 0.8
"""Of the rows are trained on, where a fifth is held out."""
_ALWAYS = 2
"""Parts that a limit of time leaves in: the texts are embedded, and the first method is tried."""
_WITHOUT_CHOICE = "without the choice of an encoder"
_OVER = "max_minutes should be over before a method is trained"


def training_workload(request: TrainClassifierRequest, context: ToolContext) -> Workload:
    """Return the work of a training: of several methods those that fit into `max_minutes`, as `TimeLimit` has it.

    Raises:
        NotEnoughData, InvalidInput: there is none, as the training itself would say.
    """
    workload = _every_method(request, context)
    if not request.max_minutes:
        return workload
    found, left = _expected(workload, context), 60 * request.max_minutes
    kept: list[Part] = []
    for place, part in enumerate(workload.parts):
        expected = found[part.kind]
        seconds = expected.value if expected else 0.0
        if place < _ALWAYS or seconds <= left:
            kept.append(part)
            left -= seconds
    remark = _OVER if left < 0 else ""  # what comes after the first method is in only where time is left
    return replace(workload, parts=tuple(kept), remark="; ".join(filter(None, (workload.remark, remark))))


def _every_method(request: TrainClassifierRequest, context: ToolContext) -> Workload:
    """Return the work of a training by all of its methods: first what is embedded, then a part a method."""
    workspace = context.workspace
    task = workspace.task(request.task)
    dataset = workspace.resolve(request.dataset, "dataset", task.slug).id
    from classwright_tools.learning.encoders import encoding_units
    from classwright_tools.learning.fitting import fitting
    from classwright_tools.learning.methods.method import FitSize
    from classwright_tools.learning.methods.registry import AUTO, METHODS, candidates
    from classwright_tools.learning.rows import refuse_few
    from classwright_tools.learning.training import FEW_FOLDS
    from classwright_tools.learning.training_data import ENOUGH_REAL, MOST_UNLABELLED, too_few_to_learn
    from classwright_tools.workspace.datasets import read_card
    from classwright_tools.workspace.ended_labels import check_labels

    card = read_card(workspace, dataset)
    check_labels(workspace, dataset)
    refuse_few(card.rows_to_learn(task.label_names))
    encoding = encoding_by(request.encoder, context)
    texts = texts_of(context, dataset, SPLITS)
    methods = [METHODS[request.method]] if request.method != AUTO else []
    methods = methods or candidates(
        task.kind, request.imbalance, multi_label=task.multi_label, layers=encoding.has_layers
    )
    real = sum(card.rows("validation", origin) for origin in REAL_TEXTS)
    enough = real >= ENOUGH_REAL
    if request.train_on_validation and not enough:
        raise too_few_to_learn(real)
    train, validation = texts["train"], texts["validation"]
    several, is_choice, labelled = task.multi_label, len(methods) > 1, card.rows("train")
    fits = {
        method.name: _fits(method, labelled, enough=enough, is_choice=is_choice, several=several)
        + (_last_fits(method, FEW_FOLDS) if request.train_on_validation and method is methods[-1] else [])
        for method in methods
    }
    tunings = sum(len(fits[method.name]) for method in methods if method.tunes)
    frozen = [*train, *validation, *texts["unlabelled"][:MOST_UNLABELLED]]
    rows = sum(card.rows(split) for split in SPLITS)
    train_size = FitSize(labelled, encoding_units(train), len(task.labels), request.epochs)
    return Workload(
        own=Part(f"train_classifier by {request.method}", rows, OWN["train_classifier"]),
        parts=(
            encoding.part(frozen, anew=[*train, *validation] * tunings),
            *(
                Part(
                    fitting(method.name, encoding.name, request.imbalance),
                    sum(_units(method, train_size, share) for share in fits[method.name]),
                    _guess(method, encoding, request.imbalance),
                    times=len(fits[method.name]),
                )
                for method in methods
            ),
        ),
        memory=round(LIBRARIES_MB + TUNED_COPIES * encoding.weights_mb) if tunings else encoding.memory,
        remark=_WITHOUT_CHOICE if request.encoder == AUTO_ENCODER else encoding.remark,
        loads=True,
    )


def seconds_by_method(request: TrainClassifierRequest, context: ToolContext) -> dict[str, float]:
    """Return the seconds that each method of a training should take, by its name, as far as that can be told."""
    from classwright_tools.learning.fitting import fitting
    from classwright_tools.learning.methods.registry import METHODS

    found = _expected(_every_method(request, context), context)
    encoder = request.encoder if request.encoder not in (None, AUTO_ENCODER) else context.encoder
    by_name = {name: found.get(fitting(name, str(encoder), request.imbalance)) for name in METHODS}
    return {name: expected.value for name, expected in by_name.items() if expected}


def _expected(workload: Workload, context: ToolContext) -> dict[str, Expected | None]:
    """Return what each part of a `workload` should take, by its kind."""
    history = History(context.workspace.engine)
    taken = {part.kind: history.of(part.kind) for part in workload.parts}
    speed = speed_of([(part.guess, taken[part.kind]) for part in workload.parts if part.guess])
    return {part.kind: expected_seconds(part, taken[part.kind], speed) for part in workload.parts}


def _fits(method: Method, rows: int, *, enough: bool, is_choice: bool, several: bool) -> list[float]:
    """Return the shares of the training `rows` that a method is fitted to; `enough` real rows choose and calibrate.

    The rules are those of `learning/training.py`, and where rows have `several` labels of that of `several_labels`.
    """
    from classwright_tools.learning.training import FEW_FOLDS, MOST_CROSSED

    if several and not method.cross_validated:
        return [1 - 1 / FEW_FOLDS] * FEW_FOLDS + [1.0]
    folds = [_HELD_IN] * 5 if method.cross_validated else []
    if enough and not several:
        return [1.0, *(share * min(1, MOST_CROSSED / max(1, rows)) for share in folds)]
    if enough:
        return [1.0, *folds]
    return [_HELD_IN, *folds] if is_choice and not method.cross_validated else [_HELD_IN, *folds, 1.0]


def _last_fits(method: Method, few_folds: int) -> list[float]:
    """Return what is fitted besides where the last model learns from the validation rows too."""
    return [1.0] * ((5 if method.cross_validated else few_folds) + 1)


def _units(method: Method, size: FitSize, share: float) -> float:
    return method.units(replace(size, rows=max(1, round(share * size.rows)), encoding=share * size.encoding))


def _guess(method: Method, encoding: Encoding, imbalance: Imbalance) -> Guess | None:
    """Return the guess at a fit's time; tuning takes as much longer on a larger encoder as encoding does."""
    from classwright_tools.learning.fitting import as_fitted

    guess = FITS.get(as_fitted(method.name, imbalance))
    if guess and method.tunes:
        return Guess(guess.each, guess.unit * encoding.slowness)
    return guess
