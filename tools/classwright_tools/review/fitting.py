"""Decisions that fit the dataset they are about: rows that exist and may be edited, labels that the task has."""

from __future__ import annotations

from collections.abc import Sequence

from classwright_tools.domain.cleaning import clean_text, is_broken
from classwright_tools.domain.decision import Decision
from classwright_tools.domain.edits import TEST_ROWS
from classwright_tools.domain.label_sets import in_order
from classwright_tools.domain.noun import MAX_TEXT_CHARS
from classwright_tools.review.desk import Desk
from classwright_tools.review.standing import Standing


def fitting(
    decisions: Sequence[Decision], desk: Desk, standing: Standing, *, person: str = "", known: int = 0
) -> tuple[list[Decision], dict[str, str]]:
    """Return the decisions that can be stored, and by its id why each other one cannot.

    A relabelling to the label that a row has is an acceptance. A blind one learns here whether the label was right, or
    that it is a second opinion: another than `person` decided on its row. Who decides on a row about which persons
    differ settles it, where the decisions up to number `known`, or up to the one that it says itself, which they had
    heard of, say so; of others' decisions none of which they had heard of theirs is independent.
    """
    good: list[Decision] = []
    refused: dict[str, str] = {}
    for decision in decisions:
        reason = _fault(decision, desk, standing, {one.id for one in good})
        if reason:
            refused[decision.id] = reason
        else:
            good.append(_settled(decision, desk, standing, person, known))
    return good, refused


def _fault(decision: Decision, desk: Desk, standing: Standing, before: set[str]) -> str:
    """Return why a decision cannot be stored; "" if it can."""
    if decision.undoes is not None:
        return _fault_of_undoing(decision.undoes, standing, before)
    unknown = [row for row in decision.rows if row not in desk.place_of]
    if unknown:
        return f"dataset {desk.dataset!r} has no row {unknown[0]!r}"
    if any(map(desk.is_test, decision.rows)):
        return TEST_ROWS
    if decision.action == "edit":
        return _fault_of_texts(decision, desk)
    return _fault_of_labels(decision, desk)


def _fault_of_labels(decision: Decision, desk: Desk) -> str:
    if decision.says_labels and desk.several != (decision.labels is not None):
        return "a row may have several labels: pass `labels`" if desk.several else "a row has one label: pass `label`"
    for label in (*filter(None, [decision.label]), *(decision.labels or ())):
        if label not in desk.labels:
            return f"the task has no label {label!r}"
    bare = [row for row in decision.rows if desk.own(desk.place_of[row]) is None]
    if decision.action == "accept" and not decision.says_labels and bare:
        return "the row has no label that could be accepted: choose one"
    if decision.action == "fits_none" and desk.several:
        return "a row may have several labels: pass `labels` with none in it"
    if decision.action == "fits_none" and len(bare) < len(decision.rows):
        return "the row has a label: choose another, or remove the row"
    return ""


def _fault_of_undoing(id_: str, standing: Standing, before: set[str]) -> str:
    entry = standing.entry(id_)
    if entry is None:
        return "" if id_ in before else "the decision to take back is not there"
    made = standing.version(entry)
    return f"it is in {made} already: undo_decision takes it back from there" if made else ""


def _fault_of_texts(decision: Decision, desk: Desk) -> str:
    is_pair = "text_pair" in desk.table.column_names
    if is_pair != (decision.text_pair is not None):
        return "a pair has two texts" if is_pair else "the row has one text"
    texts = [text for text in (decision.text, decision.text_pair) if text is not None]
    if not all(clean_text(text) for text in texts):
        return "a text holds no characters that can be seen"
    if any(is_broken(text) for text in texts):
        return "a text has characters that were lost (U+FFFD): write them anew"
    if any(len(clean_text(text)) > MAX_TEXT_CHARS for text in texts):
        return f"a text has more than {MAX_TEXT_CHARS:,} characters"
    return ""


def _settled(decision: Decision, desk: Desk, standing: Standing, person: str, known: int) -> Decision:
    """Return the decision as it is stored."""
    if len(decision.rows) != 1:
        return decision.model_copy(
            update={"blind": False, "right": None, "second": False, "settles": False, "apart": False}
        )
    (row,) = decision.rows
    own = desk.own(desk.place_of[row])
    gives = decision.gives_answer
    second = decision.blind and gives and desk.is_of_another(row, standing, person)
    heard = known if decision.heard is None else decision.heard
    of_others = [entry.number > heard for entry in desk.of_others(row, standing, person)]
    settles = gives and not decision.blind and not any(of_others) and row in desk.tally(standing).disputed
    is_told = desk.tells_of_others(row, person)
    is_unheard = decision.blind or (all(of_others) and not is_told)
    apart = gives and (is_told or bool(of_others)) and is_unheard
    update: dict[str, object] = {"second": second, "settles": settles, "apart": apart}
    if decision.labels is not None:
        update["labels"] = in_order(decision.labels, desk.labels)
    said = update.get("labels", (decision.label,))
    same = decision.action == "relabel" and said == own
    update |= {"action": "accept"} if same else {}
    is_judged = decision.blind and own is not None and gives and not second
    right = (same or decision.action == "accept") if is_judged else None
    for name in ("text", "text_pair"):
        given = getattr(decision, name)
        if given is not None:
            update[name] = clean_text(given)
    return decision.model_copy(update={**update, "blind": is_judged or second, "right": right})
