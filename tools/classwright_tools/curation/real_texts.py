"""Properties of a task's real texts that gates go by: how short they are, what they say and hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from classwright_tools.curation.label_leaks import Form, leaks_in
from classwright_tools.curation.text_checks import LEAST_ALIKE, debris, length_of, letter_count, word_count
from classwright_tools.domain.task import Task
from classwright_tools.domain.text_rules import LengthUnit, UsualLength

LEAST_SHARE = 0.001
"""What so many of the real texts are or say, a written text may be or say. One alone may be a slip where there are a
thousand."""
MOST_LOOKED_AT = 10_000
"""Real texts: more say nothing new, and each call looks at them again."""
USUAL_WORDS, USUAL_LETTERS = 2, 3
MOST_FIRST = 300  # kept, to tell their language by
LEAST_SEEN = 20  # real texts, to say how long they are


class RealTexts:
    """Counts the real texts of a task, labelled or not, as they come in; the labels' own examples count by themselves.

    Test rows are none of them: what may be written does not depend on those.
    """

    def __init__(self, task: Task) -> None:
        """Begin with the examples that `task` gives of its labels."""
        self._labels = task.label_names
        examples = [text for label in task.labels for text in label.examples]
        # The queries of a pair task often are one word.
        self._are_short = task.kind == "pair" or any(word_count(text) < USUAL_WORDS for text in examples)
        self._shown = {(leak.form, leak.name) for text in examples for leak in leaks_in(text, self._labels)}
        self.first: list[str] = []
        self._seen = 0
        self._lengths: dict[LengthUnit, Counter[int]] = {"word": Counter(), "character": Counter()}
        self._letters: Counter[int] = Counter()
        self._said: Counter[tuple[Form, str]] = Counter()
        self._held: Counter[str] = Counter()

    def add(self, texts: Iterable[str]) -> None:
        """Look at `texts`."""
        for text in texts:
            if self._seen == MOST_LOOKED_AT:
                return
            self._seen += 1
            if len(self.first) < MOST_FIRST:
                self.first.append(text)
            length, unit = length_of(text)
            self._lengths[unit][length] += 1
            self._letters[letter_count(text)] += 1
            self._said.update({(leak.form, leak.name) for leak in leaks_in(text, self._labels)})
            self._held.update({name for name, _ in debris(text)})

    def say(self, form: Form, name: str) -> bool:
        """Whether people write the label `name` in this form, so that it gives nothing away."""
        return (form, name) in self._shown or self._is_usual(self._said[form, name])

    def hold(self, name: str) -> bool:
        """Whether people's texts hold the debris called `name`, such as list marks, so that it is none here."""
        return self._is_usual(self._held[name])

    @property
    def least_words(self) -> int:
        """The fewest words that a text may have: as few as real ones, and never more than usual."""
        return 1 if self._are_short else self._least(self._lengths["word"], USUAL_WORDS)

    @property
    def least_letters(self) -> int:
        """The fewest letters and digits that a text may have: as few as real ones, and never more than usual."""
        return self._least(self._letters, USUAL_LETTERS)

    @property
    def usual_length(self) -> UsualLength | None:
        """How long the texts are; None of too few to tell, and of a mixture of scripts with and without spaces."""
        unit = max(self._lengths, key=lambda unit: self._lengths[unit].total())
        sizes = sorted(self._lengths[unit].elements())
        if self._seen < LEAST_SEEN or len(sizes) < LEAST_ALIKE * self._seen:
            return None
        last = len(sizes) - 1
        low, middle, high = sizes[last // 10], sizes[last // 2], sizes[last - last // 10]
        return UsualLength(low=low, middle=middle, high=high, unit=unit)

    def _least(self, sizes: Counter[int], usual: int) -> int:
        below = 0
        for size in range(usual):
            below += sizes[size]
            if self._is_usual(below):
                return size
        return usual

    def _is_usual(self, count: int) -> bool:
        return count >= 1 and (count > 1 or self._seen < 1 / LEAST_SHARE) and count >= LEAST_SHARE * self._seen
