"""The page `benchmarks/RESULTS.md`: each benchmark owns one section of it and rewrites that alone."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

PAGE = Path(__file__).parents[1] / "RESULTS.md"
RESULTS = PAGE.with_name("results")
HEADING = """# Results

Made by `make bench-articles`, each section by the script that it names. Intervals are 95%, over seeds.
"""


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def write_section(name: str, text: str, *, quick: bool) -> None:
    """Put `text` in place of the section `name`, or at the end; a quick try is only printed."""
    print(text)
    if quick:
        return
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = f"{start}\n{text.strip()}\n\n{_versions(name)}\n{end}\n"
    page = PAGE.read_text(encoding="utf-8") if PAGE.exists() else HEADING
    if start in page:
        before, rest = page.split(start, 1)
        page = before + section + rest.split(f"{end}\n", 1)[1]
    else:
        page += f"\n{section}"
    PAGE.write_text(page, encoding="utf-8")


def _versions(name: str) -> str:
    """Return with which versions the runs in `results/NAME.json` were made last."""
    document = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    libraries = ", ".join(f"{library} {version}" for library, version in document["versions"].items())
    return f"Measured with Python {document['python']}, {libraries}; the figures of every run: `results/{name}.json`."
