"""Reports in a real browser: what is written into labels, texts and names is shown there, and never run."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from classwright_agents.report.page import Material, render
from classwright_tools.contract import Refusal
from classwright_tools.domain.example import make_example
from classwright_tools.domain.task import Label, Task
from classwright_tools.error_analysis import ErrorAnalysisRequest, error_analysis
from classwright_tools.evaluate import EvaluateRequest, evaluate
from classwright_tools.workspace.workspace import Workspace
from support.agent import LABELS, analysed, evaluation_report, finished_outcome, small_task, written
from support.measurement import context_on, dataset_of, trained_on

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--virtual-time-budget=2000", "--dump-dom",
)  # fmt: skip
SING = "document.title='sang'"
# One for each place that a text may stand in: between tags, in an attribute, a title, a drawing, a comment, a template.
SONGS = (
    f"<script>{SING}</script>",
    f'"><img src=x onerror={SING}>',
    f"' onload={SING} onerror={SING} x='",
    f"</title><script>{SING}</script>",
    f"</svg></style><script>{SING}</script>",
    f"--><svg onload={SING}>",
    "{{ cycler.__init__.__globals__ }}",
    f'<iframe srcdoc="<script>top.{SING}</script>">',
    f"javascript:{SING}",
)
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which CI installs")


class Titles(HTMLParser):
    """The title and the elements of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.title = ""
        self.elements: set[str] = set()
        self._in: str = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._in = tag
        self.elements.add(tag)

    def handle_data(self, data: str) -> None:
        if self._in == "title" and not self.title:
            self.title = data


def seen(page: str, folder: Path) -> Titles:
    """What a browser makes of a page, after its scripts have run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "page.html").write_text(page, encoding="utf-8")
    assert CHROMIUM is not None
    ran = subprocess.run(
        [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", (folder / "page.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    titles = Titles()
    titles.feed(ran.stdout)
    return titles


def servers_pages(workspace: Workspace) -> dict[str, str]:
    """The pages of an evaluation and an error analysis, with a song in every label, text, topic and name."""
    labels = tuple(Label(name=song[:100], description=song) for song in SONGS[:3])
    workspace.save_task(Task(slug="hostile", instruction=SONGS[0], labels=labels))
    texts = ("where is my parcel", "my password is wrong", "i want my money back")
    ends = ("now", "today", "at last", "please", "again", "still", *SONGS)
    train = [
        make_example(f"{text} {end}", label.name, origin="written")
        for text, label in zip(texts, labels, strict=True)
        for end in ends
    ]
    wrong = [
        make_example(f"{song} {text} once more", label.name)
        for text, label in zip((*texts[1:], texts[0]), labels, strict=True)
        for song in SONGS
    ]
    dataset = dataset_of(workspace, "hostile", train=train, validation=wrong)
    model = trained_on(workspace, dataset, "hostile")
    measured = evaluate(EvaluateRequest(model=model, dataset=dataset), context_on(workspace)).report
    analysed = error_analysis(ErrorAnalysisRequest(model=model, dataset=dataset), context_on(workspace)).report
    folders = {name: workspace.artifact(id_, "report").path for name, id_ in (("e", measured), ("a", analysed))}
    return {name: (folder / "report.html").read_text(encoding="utf-8") for name, folder in folders.items()}


def agents_page() -> str:
    """The page of a build, with a song in every text that came from a task file or a server."""
    every = " ".join(SONGS)
    labels = [{"name": (song + name)[:100]} for song, name in zip(SONGS, LABELS, strict=False)]
    task = small_task(instruction=every, labels=labels, credit=every)
    names = [label["name"] for label in labels]
    confusion = {"label": every[:100], "predicted": names[0], "count": 3, "share": 0.1}
    pair = {"label": every[:100], "predicted": every[:100], "count": 1, "examples": SONGS[:5]}
    outcome = finished_outcome(
        decisions=list(SONGS),
        analysis=analysed(confused_pairs=[pair]),
        written=[written(0) | {"refused": dict.fromkeys(SONGS, 3)}],
    )
    material = Material(
        measured=evaluation_report(names, warnings=[every], confusions=[confusion]),
        map=b"<svg/>",
        samples=(make_example(every, every[:100], origin="written"),),
        refusals=(Refusal(text=every, label="refund", reason=SONGS[0]),),
        usage=every,
        files=((every, 1),),
    )
    return render(task, every, outcome, material)


def test_no_song_in_a_report_is_sung(workspace: Workspace, tmp_path: Path) -> None:
    """The pages' own policy would silence it too; here it is taken away, so that escaping alone must do."""
    pages = {**servers_pages(workspace), "agent": agents_page()}

    for name, page in pages.items():
        assert POLICY.search(page), name
        bare = seen(POLICY.sub("", page), tmp_path / name)
        assert bare.title != "sang", name
        assert bare.elements.isdisjoint({"script", "iframe", "object", "embed"}), name
        assert "x onerror" in page, name  # it is there, as text


def test_long_names_without_spaces_stay_in_their_cards(tmp_path: Path) -> None:
    names = ["W" * 99 + end for end in "abc"]
    pair = {"label": names[0], "predicted": names[1], "count": 1, "examples": []}
    outcome = finished_outcome(analysis=analysed(confused_pairs=[pair]))
    confusions = [{"label": names[1], "predicted": names[2], "count": 1, "share": 0.5}]
    material = Material(measured=evaluation_report(names, confusions=confusions))
    task = small_task(labels=[{"name": name} for name in names])
    ends = "e => e.scrollWidth > e.clientWidth"  # what is wider than its place
    count = f"<script>document.title = [...document.querySelectorAll('section')].filter({ends}).length</script>"

    page = POLICY.sub("", render(task, "run", outcome, material)).replace("</body>", f"{count}</body>")

    assert seen(page, tmp_path).title == "0"


def test_a_song_that_is_not_escaped_would_be_heard_and_the_policy_silences_it(tmp_path: Path) -> None:
    page = agents_page().replace("<main>", f"<main>{' '.join(SONGS)}")

    assert seen(POLICY.sub("", page), tmp_path / "bare").title == "sang"
    assert seen(page, tmp_path / "policed").title != "sang"
