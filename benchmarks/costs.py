"""The tokens and the money of writing: the prompts and the answers of recorded runs, counted.

    python benchmarks/costs.py

The prompts are the product's own for the cells of the runs in `recorded/`, the answers the texts that were kept. Tokens
are counted by the tokenizer of MiniLM, which is at hand. It cuts English into words and parts of words and counts each
mark of punctuation; tokenizers of language models take somewhat fewer. Texts that were refused do not count, nor what a
model thinks before it answers, nor the examples of style that a plan shows.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer

from classwright_tools.curation.allotment import even_shares
from classwright_tools.domain.task import Label
from classwright_tools.domain.topic_tree import Cell
from classwright_tools.domain.usage import Prices, TokenCount
from classwright_tools.domain.writer import WritingRequest
from classwright_tools.learning.encoder_folders import embedded_folder
from classwright_tools.propose_topics import ProposeTopicsRequest
from classwright_tools.writing.generation.requests import TEXTS_A_REQUEST
from classwright_tools.writing.prompts.render import chat_messages
from looping.recorded import read_lines

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "costs.json"
PRICES = {"small": Prices(tokens_in=0.15, tokens_out=0.6), "large": Prices(tokens_in=3, tokens_out=15)}
"""US dollars a million tokens, of the order that hosted models have."""
TEXTS = 1_000


class Asked(NamedTuple):
    """A request and the texts that answered it."""

    request: WritingRequest
    texts: list[str]


def recorded(folder: Path) -> Iterator[Asked]:
    """Yield the requests of a run in `recorded/`: of each cell and round, as many as its texts need."""
    task = ProposeTopicsRequest.model_validate_json((folder / "task.json").read_bytes())
    cells: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for row in read_lines(folder / "written.jsonl.gz"):
        place = tuple(row.get(name) for name in ("label", "topic", "subtopic", "source_type", "contrast", "round"))
        cells[place].append(row["text"])
    for (label, topic, subtopic, source, contrast, round_), texts in cells.items():
        cell = Cell(label=label, topic=topic, subtopic=subtopic, source_type=source)
        start = 0
        for share in even_shares(len(texts), -(-len(texts) // TEXTS_A_REQUEST)):
            yield Asked(_request(task.labels, task, cell, contrast, share, round_ or 0), texts[start : start + share])
            start += share


def _request(
    labels: tuple[Label, ...], task: ProposeTopicsRequest, cell: Cell, contrast: str | None, count: int, round_: int
) -> WritingRequest:
    return WritingRequest(
        kind="contrast" if contrast else "examples",
        task=task.task,
        instruction=task.instruction,
        labels=labels,
        languages=task.languages,
        cell=cell,
        contrast=contrast,
        count=count,
        round=round_,
    )


def counted(asked: list[Asked], tokenizer: Tokenizer) -> dict[str, Any]:
    """Return what the requests took, and what a thousand texts of them cost."""

    def tokens(text: str) -> int:
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    read = sum(tokens(message["content"]) for one in asked for message in chat_messages(one.request))
    written = sum(tokens(json.dumps({"items": one.texts}, ensure_ascii=False)) for one in asked)
    texts = sum(len(one.texts) for one in asked)
    thousand = TokenCount(round(TEXTS * read / texts), round(TEXTS * written / texts))
    return {
        "texts": texts,
        "calls": len(asked),
        "texts a call": round(texts / len(asked), 1),
        "tokens read a text": round(read / texts),
        "tokens written a text": round(written / texts),
        "dollars a thousand texts": {name: round(prices.cost(thousand), 3) for name, prices in PRICES.items()},
    }


def main() -> None:
    tokenizer = Tokenizer.from_file(str(embedded_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    found = {}
    for folder in sorted((HERE / "recorded").iterdir()):
        found[folder.name] = counted(list(recorded(folder)), tokenizer)
        print(f"{folder.name:26}{found[folder.name]}")
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
