"""What a person sees: the live picture in 80 columns, and plain lines."""

from __future__ import annotations

import io

from rich.console import Console

from classwright_agents.errors import ToolError
from classwright_agents.figures import Spent
from classwright_agents.picture import AXIS_CHARS, Picture, whisker
from classwright_agents.view import LiveView, PlainView, make_view
from support.agent import around, make_round, small_task
from support.hostile import UNSEEN


def drawn(picture: Picture, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, record=True, force_terminal=True)
    console.print(picture)
    return console.export_text().splitlines()


def picture_of_round_one() -> Picture:
    picture = Picture(small_task(budget={"tokens": 50_000, "minutes": 6}), "support-20260101-100000")
    picture.rounds += [make_round(0, 0.78), make_round(1, 0.85, gain=0.07, significant=True)]
    picture.begin("train", 2, Spent(tokens=12_345, seconds=90))
    picture.progress(0.42, "contrastive: pass 2 of 3, a message that is much too long for what is left of the line")
    picture.messages.append("Validation accuracy 0.850 is below the target of 0.950: write against the errors.")
    return picture


def test_the_picture_tells_stage_progress_figures_and_budget_in_80_columns() -> None:
    lines = drawn(picture_of_round_one())

    assert all(len(line) <= 80 for line in lines)
    text = "\n".join(lines)
    for told in ("● rounds", "✓ write  ● train  ○ measure", "42%", "0.850  [0.80 0.90]", "12,345 of 50,000 tokens"):
        assert told in text, told
    assert "1.5 of 6 min" in text


def test_the_picture_fits_a_narrow_terminal() -> None:
    assert all(len(line) <= 50 for line in drawn(picture_of_round_one(), width=50))


def test_the_training_by_the_final_method_is_a_stage_of_the_build() -> None:
    picture = Picture(small_task(final_method="contrastive"), "support-20260101-100000")
    picture.rounds += [make_round(0, 0.78), make_round(1, 0.85, gain=0.07, significant=True)]
    for stage in ("train", "measure"):
        picture.begin(stage, None, Spent())

        text = " ".join("\n".join(drawn(picture)).replace("│", "").split())

        assert "✓ topics ✓ real rows ✓ rounds ● final ○ test ○ explain ○ deliver" in text


def test_the_last_picture_has_every_stage_ticked() -> None:
    picture = picture_of_round_one()
    picture.begin("deliver", None, Spent())
    picture.end(complete=True)

    text = "\n".join(drawn(picture))

    assert "✓ deliver" in text
    assert "● deliver" not in text


def test_the_last_picture_of_a_failed_build_shows_where_it_failed() -> None:
    picture = picture_of_round_one()
    picture.end(complete=False)

    assert "● train" in "\n".join(drawn(picture))


def test_a_whisker_marks_value_and_interval_on_the_axis() -> None:
    assert whisker(around(0.75, 0.25), 0.5, "").plain == "─" * 14 + "●" + "─" * 15
    assert len(whisker(around(1.0, 0.0), 0.5, "").plain) == AXIS_CHARS


def test_no_text_of_a_server_moves_the_cursor_or_hides() -> None:
    out = io.StringIO()
    with PlainView("accuracy", out) as view:
        view.progress(0.5, f"training{UNSEEN}\n00:00 forged")
        view.say(f"Done.{UNSEEN}")
    picture = picture_of_round_one()
    live = LiveView(small_task(), "run", Console(file=io.StringIO()))
    live._picture = picture
    live.say(f"[red]Done[/red].{UNSEEN}")
    live.progress(0.5, UNSEEN)

    for written in (out.getvalue(), picture.messages[-1], str(ToolError(f"Tool {UNSEEN}", UNSEEN, UNSEEN))):
        assert not {c for c in UNSEEN if not c.isprintable()} & set(written)
    assert len(out.getvalue().splitlines()) == 2
    assert "[red]Done[/red]." in "\n".join(drawn(picture))


def test_plain_lines_tell_each_event_once() -> None:
    out = io.StringIO()
    with PlainView("accuracy", out) as view:
        view.stage("train", 1, Spent())
        for fraction in (0.11, 0.12, 0.13, 0.25):
            view.progress(fraction, "training")
        view.round_done(make_round(1, 0.85))
        view.say("Done.")

    lines = [line[6:] for line in out.getvalue().splitlines()]
    assert lines == [
        "round 1: train",
        "   11% training",
        "   25% training",
        "round 1: 200 rows, probe: accuracy 0.850 (0.800 to 0.900) on real validation rows",
        "Done.",
    ]


def test_a_plain_line_tells_a_round_by_the_metric_of_the_target() -> None:
    out = io.StringIO()
    with make_view(small_task(target={"macro_f1": 0.9}), "run", plain=True, out=out) as view:
        view.round_done(make_round(1, 0.85, data="written"))
    assert "macro-F1 0.840 (0.790 to 0.890) on written held-out training rows\n" in out.getvalue()


def test_lines_are_plain_where_there_is_no_terminal() -> None:
    assert isinstance(make_view(small_task(), "run", plain=False, out=io.StringIO()), PlainView)


def test_a_terminal_gets_the_picture_and_is_left_in_order() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    view = LiveView(small_task(), "run", Console(file=out, force_terminal=True, width=80))
    with view:
        view.stage("topics", None, Spent())
        for number in range(4, 9):
            view.say(f"{number} cells")

    assert "✓ topics" in out.getvalue()
    assert "\x1b[?25h" in out.getvalue()  # the cursor is shown again
    assert out.getvalue().index("4 cells") < out.getvalue().index("8 cells")  # the first is kept above the picture
