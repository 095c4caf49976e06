"""The failures that a user can do something about, one small tree.

    ClasswrightError          shown to the user as it is
    ├── InvalidInput          an argument, a row or a file that cannot be used
    ├── NotFound              an id or a file that does not exist (the nearest one is named)
    ├── NotEnoughData         too few rows or classes for what was asked
    ├── DamagedArtifact       a stored dataset, model or report that does not read back as written
    ├── WriterFailed          the language model could not be reached or answered with an error
    ├── BudgetExceeded        a cap on requests, tokens or money was reached
    ├── StorageFailed         the disk is full or not writable
    └── Cancelled             the caller asked to stop

Everything else is a defect, of Classwright or of an extension, and is masked where it meets a client.
"""

from __future__ import annotations

import errno
from collections.abc import Iterable


class ClasswrightError(Exception):
    """Says which object failed, for what reason, and what repairs it.

    `subject` and `reason` never hold a secret, an absolute path outside the workspace, or an upstream body.
    """

    def __init__(self, subject: str, reason: str, repair: str) -> None:
        super().__init__(f"{subject}: {reason}. {repair}")
        self.subject = subject
        self.reason = reason
        self.repair = repair


class InvalidInput(ClasswrightError):
    """An argument, a row or a file cannot be used as given."""


class NotFound(ClasswrightError):
    """An id or a file does not exist."""


class NotEnoughData(ClasswrightError):
    """There are too few rows or classes for what was asked."""


class DamagedArtifact(ClasswrightError):
    """A stored artifact does not read back as it was written."""


class WriterFailed(ClasswrightError):
    """The language model could not be reached, or answered with an error."""


class BudgetExceeded(ClasswrightError):
    """A cap on requests, tokens or money was reached; what had arrived is kept."""


class StorageFailed(ClasswrightError):
    """The disk is full or cannot be written."""


class Cancelled(ClasswrightError):
    """The caller asked to stop; what had been stored is kept."""

    def __init__(self) -> None:
        super().__init__("This job", "was cancelled", "Call the tool again to start anew; stored texts are reused.")


FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The errors of the system by which a disk, or one's share of it, is full."""
FORBIDDEN = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def mending(error_number: int | None) -> str:
    """Return what makes a place writable that the system refused to write to, as the beginning of a sentence."""
    if error_number in FULL:
        return "Free some space"
    return "Let this user of the system write there" if error_number in FORBIDDEN else "Put right what is in the way"


def unusable_secret(secret: str | None) -> str:
    """Return why a key or token from the environment cannot be sent in a header of HTTP; empty if it can."""
    if not secret:
        return "is not set"
    fits = secret.isascii() and secret.isprintable()
    return "" if fits else "holds characters that are in no key or token, such as a curly quote or a line's end"


_MAKES = {"task": "propose_topics", "dataset": "import_examples or synthesize_examples", "model": "train_classifier"}
"""What makes the first of its kind."""


def one_label_a_row(subject: str, task: str, instead: str) -> InvalidInput:
    """Return the error that `subject`, a tool or a part of one, does not take rows with several labels.

    `instead` is a sentence: what does its work for such rows.
    """
    return InvalidInput(
        subject,
        f"takes rows with one label each, and those of task {task!r} may have several",
        instead,
    )


def no_labels_yet(subject: str, task: str) -> InvalidInput:
    """Return the error that `subject`, a tool or a part of one, goes by labels, and `task` has none yet."""
    return InvalidInput(
        subject,
        f"goes by labels, and task {task!r} has none yet",
        f"Look at its texts in groups, find_examples(task={task!r}, groups=0), then name the labels: propose_topics.",
    )


def unknown_id(kind: str, wanted: str, known: Iterable[str]) -> NotFound:
    """Return a `NotFound` for the id `wanted` of a `kind` ("dataset", "model") that names a known id near it."""
    names = sorted(known)
    repair = did_you_mean(wanted, names)
    if repair is None:
        there = "None that is there is like it: check it, or make one first" if names else f"There is no {kind} yet"
        repair = f"{there}{f': {_MAKES[kind]} makes one' if kind in _MAKES else ''}."
    return NotFound(f"{kind} {wanted[:80]!r}", "does not exist", repair)


def did_you_mean(wanted: str, known: Iterable[str]) -> str | None:
    """Return the repair that names the one of `known` nearest to `wanted`, in upper or lower case; None if none is."""
    import difflib  # it takes long to import, and few errors need it

    folded = {name.casefold(): name for name in known}
    nearest = difflib.get_close_matches(wanted.casefold(), folded, n=1)
    return f"Did you mean {folded[nearest[0]]!r}?" if nearest else None
