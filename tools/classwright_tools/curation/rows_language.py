"""Languages that a task's rows are in, where its `languages` say otherwise: these are English if nobody named any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from classwright_tools.curation.languages import wrong_language
from classwright_tools.domain.pair import parts
from classwright_tools.domain.task import Task

SAMPLED = 300  # rows looked at; twice as many at most
# Half of them have to be clearly in one language that the task does not name. The rates: docs/decisions/languages.md.
LEAST_SHARE = 0.5
LEAST_ROWS = 10
# So many in the task's own languages are no slips, and these stay.
SHARE_BESIDE = 0.1


class RowsLanguages(NamedTuple):
    """Languages that rows are in, BCP 47 tags, and the sentence that says so; "" where they are those of the task."""

    languages: tuple[str, ...]
    remark: str = ""


def languages_of_rows(task: Task, contents: Iterable[str], rows: int) -> RowsLanguages:
    """Return the languages of the `contents` of so many `rows` of `task`: its own, unless most are in another."""
    own = RowsLanguages(task.languages)
    if rows < LEAST_ROWS:
        return own
    texts = [parts(content)[0] for content in islice(contents, 0, None, max(1, rows // SAMPLED))]
    wrong = [wrong_language(text, task.languages) for text in texts]
    (found, count), *_ = Counter(one for one in wrong if one).most_common(1) or [("", 0)]
    if count < LEAST_SHARE * len(texts) or not found.startswith("'"):  # else letters of a script
        return own
    code = found.strip("'")
    beside = sum(
        not is_wrong and wrong_language(text, (code,)) is not None for text, is_wrong in zip(texts, wrong, strict=True)
    )
    languages = (*task.languages, code) if beside > SHARE_BESIDE * len(texts) else (code,)
    return RowsLanguages(
        languages,
        f"{count} of {len(texts)} rows looked at are clearly in {code}, and the task says {', '.join(task.languages)}: "
        f"call propose_topics(task={task.slug!r}, languages={[*languages]}) first.",
    )
