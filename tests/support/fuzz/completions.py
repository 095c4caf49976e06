"""Made-up answers of models: texts that were asked for, in many forms, among thoughts and drafts that were not."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

DRAFT = "DRAFT"
"""Stands in every text that was not asked for, and in no other."""

# Texts with everything that JSON, Python, lists and marks of thinking treat in a way of their own.
_CHARACTERS = st.one_of(st.sampled_from("{}[]\"',:\\`1. -\n#/<>|"), st.characters(exclude_categories=["Cs"]))
_ODD = st.text(_CHARACTERS, max_size=30)
_MARKS = st.sampled_from(["</think>", "<think>", "[THINK]", "[/THINK]", "```", "</thinking>", "//", "assistantfinal"])
ANY_TEXTS = st.one_of(_ODD, st.tuples(_ODD, _MARKS, _ODD).map("".join))
_WORDS = st.sampled_from(
    ["I", "you", "the lamp", "isn't", "can't", "broken;", "refund,", "40", "(soon)", "*really*", "ok"]
)
LINES = st.lists(_WORDS, min_size=2, max_size=9).map(" ".join)
_SAID = st.lists(LINES, min_size=1, max_size=3).map(lambda lines: "\n".join(["Dear shop,", *lines]))
LETTERS = st.lists(_SAID, min_size=2, max_size=3).map("\n\n".join)


def lists_of(texts: st.SearchStrategy[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    """Lists of different texts, none of them blank."""
    wanted = texts.filter(lambda text: text.strip() and DRAFT not in text)
    return st.lists(wanted, min_size=least, max_size=5, unique=True)


def _commented(texts: list[str]) -> str:
    return '{"items": [\n' + ",\n".join(f"  // text {i}\n  {json.dumps(text)}" for i, text in enumerate(texts)) + "\n]}"


Form = Callable[[list[str]], str]
_BESIDE = {"reasoning": [f"{DRAFT} one", f"{DRAFT} two"], "notes": [], "languages": [DRAFT], "thought": f"{DRAFT} ..."}
JSON_FORMS: dict[str, Form] = {
    "as asked": lambda texts: json.dumps({"items": texts}),
    "unescaped": lambda texts: json.dumps({"items": texts}, ensure_ascii=False, indent=2),
    "beside others": lambda texts: json.dumps({**_BESIDE, "items": texts, "steps": [DRAFT]}),
    "bare": json.dumps,
    "objects": lambda texts: json.dumps({"items": [{"reasoning": DRAFT, "text": text} for text in texts]}),
    "nested": lambda texts: json.dumps({"response": {**_BESIDE, "items": texts}}),
    "nested twice": lambda texts: json.dumps({"notes": [DRAFT], "result": {"data": {"items": texts}}}),
    "list in a list": lambda texts: json.dumps({"items": [texts]}),
    "by another name": lambda texts: json.dumps({**_BESIDE, "messages": texts}),
    "numbered": lambda texts: json.dumps({"items": {str(i): text for i, text in enumerate(texts)}}),
    "numbered, flat": lambda texts: json.dumps({"note": DRAFT} | {f"item {i}": text for i, text in enumerate(texts)}),
    "text of a list": lambda texts: json.dumps({"items": json.dumps(texts)}),
    "text of an object": lambda texts: json.dumps({"response": json.dumps({"items": texts})}),
    "Python's": repr,
    "Python's object": lambda texts: repr({**_BESIDE, "items": tuple(texts)}),
    "commented": _commented,
    "a list a line": lambda texts: "\n".join(json.dumps({"items": [text]}) for text in texts),
}
LINE_FORMS: dict[str, Form] = {
    "numbers": lambda texts: "\n".join(f"{i}. {text}" for i, text in enumerate(texts, 1)),
    "numbers, apart": lambda texts: "\n\n".join(f"{i}) {text}" for i, text in enumerate(texts, 1)),
    "bold numbers": lambda texts: "\n".join(f"**{i}.** {text}" for i, text in enumerate(texts, 1)),
    "bullets": lambda texts: "\n".join(f"- {text}" for text in texts),
    "curly quotes": lambda texts: "{\u201citems\u201d: [" + ", ".join(f"\u201c{text}\u201d" for text in texts) + "]}",
}
LETTER_FORMS = {name: LINE_FORMS[name] for name in ("numbers", "numbers, apart", "bold numbers")}

_MARKED = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<reasoning>", "</reasoning>"),
    ('<thought effort="high">', "</thought>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("\u25c1think\u25b7", "\u25c1/think\u25b7"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("", "</think>"),
    ("", "[/THINK]"),
]
_THOUGHTS = st.sampled_from(
    [
        f'Perhaps ["{DRAFT} about a lamp", "{DRAFT} about a vase"].',
        f'{{"items": ["{DRAFT} a", "{DRAFT} b"]}} is too plain.',
        f"1. {DRAFT} one\n2. {DRAFT} two",
        f'I could say ["{DRAFT} and so on',
        f"It's {{'items': ['{DRAFT}', 'it isn",
        f"- {DRAFT}\n- [1] {DRAFT}\n",
        "",
    ]
)


@dataclass(frozen=True)
class WrappedTexts:
    """An answer and the texts that it gives, in their order."""

    content: str
    texts: list[str]


@st.composite
def answers(draw: st.DrawFn, *, headless: bool = True) -> WrappedTexts:
    """An answer with texts that can be read, wrapped in whatever models wrap theirs in.

    Unless it may be `headless`, thoughts have a mark where they begin.
    """
    texts, forms = draw(
        st.sampled_from(
            [
                (lists_of(ANY_TEXTS), JSON_FORMS),
                (lists_of(LINES, 2), JSON_FORMS | LINE_FORMS),
                (lists_of(LETTERS, 2), JSON_FORMS | LETTER_FORMS),
            ]
        )
    )
    wanted = draw(texts)
    content = forms[draw(st.sampled_from(sorted(forms)))](wanted)
    return WrappedTexts(draw(_thought_before(draw(_wrapped(content)), headless=headless)), wanted)


@st.composite
def _wrapped(draw: st.DrawFn, content: str) -> str:
    """A fence around `content`, or a sentence before it, or neither."""
    if draw(st.booleans()):
        content = f"```{draw(st.sampled_from(['', 'json', 'python']))}\n{content}\n```"
    return draw(st.sampled_from(["", "\n", "Sure! Here they are:\n", "Here are [short] texts.\n\n"])) + content


@st.composite
def _thought_before(draw: st.DrawFn, content: str, *, headless: bool) -> str:
    """`content` behind thoughts: between marks, once or twice, in channels, or none."""
    how = draw(st.sampled_from(["not", "marked", "marked", "twice", "channels", "channels, stripped"]))
    thoughts = draw(_THOUGHTS)
    if how == "not":
        return content
    if how == "channels":
        head = f"<|channel|>analysis<|message|>{thoughts}<|end|><|start|>assistant<|channel|>final<|message|>"
        return head + content + draw(st.sampled_from(["", "<|return|>"]))
    if how == "channels, stripped":
        return f"analysis{thoughts or 'Hm'}assistantfinal{content}"
    begin, end = draw(st.sampled_from([marks for marks in _MARKED if headless or marks[0]]))
    before = f"{begin}{thoughts}{end}\n"
    if how == "twice":
        again = draw(st.sampled_from([marks for marks in _MARKED if marks[0]]))
        before += f"{again[0]}{draw(_THOUGHTS)}{again[1]}\n\n"
    return before + content
