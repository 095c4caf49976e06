"""The queue of the review page in a real browser: what it shows, what its keys do, what is stored, what others see."""

from __future__ import annotations

from typing import Any

import anyio
import pytest
from mcp import Client
from playwright.async_api import Browser, expect

from classwright_tools.domain.example import make_example
from classwright_tools.domain.kinds import task_of
from classwright_tools.domain.task import Label, Task
from classwright_tools.workspace.datasets import read_edits, read_table
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of
from support.page_host import CHROMIUM, Kind, shown
from support.review import WRONG, review_dataset
from support.review_page import KEYS_AT_ONCE, Faltering, Held, Refusing, asks_by_doubt, judged, standing, stored
from support.server import until

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which CI installs")]

DRAWN_ANEW = """say({ method: "ui/notifications/host-context-changed", params: {} })"""
NEXT_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.parametrize("kind", ["whole", "stripped", "silent"])
async def test_rows_are_shown_whatever_the_host_passes_on(
    client: Client, chromium: Browser, dataset: str, kind: Kind
) -> None:
    async with shown(chromium, client, {"dataset": dataset}, result={"dataset": dataset}, kind=kind) as opened:
        await expect(opened.view.locator("h1")).to_contain_text(dataset)
        await expect(opened.view.locator(".card .text")).to_be_visible()

        assert opened.faults == []
        assert opened.said("ui/notifications/size-changed")


async def test_a_key_decides_and_moves_on_and_each_decision_is_stored(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 34")
        first = await opened.view.locator(".label .name").all_inner_texts()
        second_label = first[1]

        await opened.view.locator("main").evaluate(KEYS_AT_ONCE, ["2", "Enter", "x", "f", "s", "u"])
        await expect(opened.view.locator(".place")).to_have_text("Row 4 of 34")
        await opened.press("1")

        decisions = await stored(opened, workspace, dataset, 5)
        assert decisions[0][0] in ("relabel", "accept")
        assert decisions[0][1] in (second_label, None)
        assert [action for action, _ in decisions[1:4]] == ["accept", "remove", "flag"]
        assert len(standing(workspace, dataset).rows) == 4
        batches = [call for call in opened.said("tools/call") if call["name"] == "review_decide"]
        assert len(batches) < 4, "what is decided at once is sent together"
        await opened.view.get_by_role("button", name="Remove").click()
        await opened.press("Enter")  # it accepts the next row, and does not press the button again
        assert [action for action, _ in (await stored(opened, workspace, dataset, 7))[5:]] == ["remove", "accept"]
        assert opened.faults == []


async def test_texts_that_are_cut_say_so_and_an_edit_goes_on_from_the_one_before(
    client: Client, chromium: Browser, workspace: Workspace, task: Task
) -> None:
    workspace.save_task(task.model_copy(update={"kind": "pair", "mismatch": "account"}))
    long = make_example("a word " * 300 + "here", "refund", text_pair="the item " * 300 + "here")
    async with shown(chromium, client, {"dataset": dataset_of(workspace, task.slug, train=[long])}) as opened:
        await expect(opened.view.locator(".card em")).to_have_text(["… 604 more characters", "… 1,204 more characters"])
        await opened.view.locator("main").press("e")
        await opened.view.get_by_label("Text", exact=True).fill("edited once")
        await opened.press("Control+Enter", "ArrowLeft")
        await expect(opened.view.locator(".card em")).to_have_count(0)
        await opened.view.get_by_role("button", name="Edit").click()

        await expect(opened.view.get_by_label("Text", exact=True)).to_be_focused()
        await expect(opened.view.get_by_label("Text", exact=True)).to_have_value("edited once")
        await expect(opened.view.get_by_label("Second text")).to_have_value(str(long.text_pair))


async def test_keys_work_while_the_order_by_doubt_is_on_its_way_and_no_row_changes_under_the_hand(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    held = Held(client, asks_by_doubt)
    async with shown(chromium, held, {"dataset": dataset}) as opened:  # type: ignore[arg-type]  # a client in all it uses
        await held.asked.wait()
        texts = opened.view.locator(".card .text p")
        first = await texts.inner_text()
        await opened.press("x")
        skipped = await texts.inner_text()
        await opened.press("s")
        shown_then = await texts.inner_text()
        held.go.set()
        await judged(opened)
        await until(lambda: not opened.under_way)
        await opened.view.locator("main").evaluate(NEXT_FRAMES)  # in which the page takes in what came
        await opened.press("ArrowRight")
        await expect(opened.view.locator(".tag.warn")).to_have_text("label doubted")
        await opened.press("ArrowLeft")
        assert await texts.inner_text() == shown_then

        await stored(opened, workspace, dataset, 1)
        (removed,) = standing(workspace, dataset).rows
        rows = read_table(workspace, dataset).select(["id", "text"]).to_pylist()
        assert {"id": removed, "text": first} in rows
        seen = {first, skipped, shown_then}
        for place in range(4, 35):
            await opened.press("ArrowRight")
            await expect(opened.view.locator(".place")).to_have_text(f"Row {place} of 34")
            seen.add(await texts.inner_text())
        assert len(seen) == 34, "each row comes once"


async def test_why_a_decision_was_not_stored_stays_to_be_read_while_others_wait_and_arrive(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, Faltering(client), {"dataset": dataset}) as opened:  # type: ignore[arg-type]  # a client in all it uses
        await expect(opened.view.locator(".card .text")).to_be_visible()
        await opened.press("x", "f")

        await expect(opened.view.locator(".notice")).to_contain_text("Not stored: the row is gone.")
        await stored(opened, workspace, dataset, 2)
        await opened.press("s", "f")  # keys that follow do not clear it: the row is out of sight
        await stored(opened, workspace, dataset, 3)
        await opened.view.get_by_role("button", name="Show 1 row").click()

        await expect(opened.view.locator(".list .bar strong").first).to_have_text("1 row")
        await expect(opened.view.locator(".notice")).to_have_count(0)


async def test_an_undo_that_is_refused_leaves_the_decision_where_it_was_and_can_be_tried_again(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    refusing = Refusing(client)
    async with shown(chromium, refusing, {"dataset": dataset}) as opened:  # type: ignore[arg-type]  # a client in all it uses
        await expect(opened.view.locator(".card .text")).to_be_visible()
        await opened.press("x")
        await stored(opened, workspace, dataset, 1)
        refusing.keeps = True
        await opened.press("u")

        await expect(opened.view.get_by_role("button", name="Show 1 row")).to_be_visible()
        await expect(opened.view.locator(".card .tag.chosen")).to_have_text("removed")
        refusing.keeps = False
        await opened.press("u")
        await expect(opened.view.locator(".progress")).to_contain_text("0 of 34 rows decided")
        await expect(opened.view.locator(".card .tag.chosen")).to_have_count(0)


async def test_of_a_task_that_was_left_nothing_is_told_and_what_did_not_open_is_tried_again(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str, task: Task
) -> None:
    other = workspace.save_task(task.model_copy(update={"slug": f"{task.slug}b"})).slug
    review_dataset(workspace, task.model_copy(update={"slug": other}))
    refusing = Refusing(client)
    async with shown(chromium, refusing, {"dataset": dataset}) as opened:  # type: ignore[arg-type]  # a client in all it uses
        await expect(opened.view.locator(".card .text")).to_be_visible()
        refusing.go = anyio.Event()
        await opened.press("x")
        await until(lambda: len(standing(workspace, dataset).entries) == 1)
        refusing.closed = other
        await opened.view.get_by_label("Task").select_option(other)
        await expect(opened.view.locator(".empty").first).to_have_text("not now")
        refusing.closed = ""
        await opened.view.get_by_role("button", name="Try again").click()

        await expect(opened.view.locator("h1 small")).to_have_text(f"{other}-d1")
        refusing.go.set()
        await expect(opened.view.locator(".progress")).not_to_contain_text("being stored")
        await expect(opened.view.locator(".progress")).to_contain_text("0 of 34 rows decided")
        await expect(opened.view.locator(".notice")).to_have_count(0)


async def test_what_could_not_be_stored_is_tried_again_though_other_rows_are_fetched_meanwhile(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, Faltering(client), {"dataset": dataset}) as opened:  # type: ignore[arg-type]  # a client in all it uses
        await judged(opened)
        await opened.press("x")
        await expect(opened.view.locator(".note")).to_contain_text("the disk is full")
        await opened.view.locator("select:has(option[value=suspect])").select_option("unlabelled")
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 2")

        await stored(opened, workspace, dataset, 1)


async def test_each_of_few_labels_keeps_its_key_and_a_wrong_label_is_suspected_with_the_likelier_one_marked(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.get_by_role("button", name="List").click()
        await opened.view.locator("#list-search").fill("sent to another")
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("1 row")
        await expect(opened.view.locator("mark")).to_have_text("sent to another")
        await opened.view.get_by_role("button", name="Review one by one").click()

        await expect(opened.view.locator(".card .text")).to_have_text(WRONG)
        await expect(opened.view.locator(".tag.warn")).to_have_text("label doubted")
        await expect(opened.view.locator(".label .name")).to_have_text(["refund", "delivery", "account"])
        await expect(opened.view.locator(".label", has_text="delivery").locator(".chance")).to_be_visible()
        await expect(opened.view.locator(".label.own .name")).to_have_text("refund")


async def test_an_edited_text_is_stored_and_keys_in_a_field_are_letters(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await expect(opened.view.locator(".card .text")).to_be_visible()
        await opened.view.locator("main").evaluate(KEYS_AT_ONCE, ["e", "x"])
        await opened.view.get_by_label("Text", exact=True).fill("xx 12 a new text")
        await opened.press("Control+Enter")

        await stored(opened, workspace, dataset, 1)
        [entry] = standing(workspace, dataset).entries
        assert entry.decision.text == "xx 12 a new text"


async def test_decisions_are_saved_as_a_new_version_of_which_the_chat_learns_the_counts(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    held = Held(client, lambda name, _: name == "prepare_review")
    async with shown(chromium, held, {"dataset": dataset}) as opened:  # type: ignore[arg-type]  # a client in all it uses
        await judged(opened)
        shows, place = opened.view.locator("select:has(option[value=suspect])"), opened.view.locator(".place")
        await opened.press("0")
        await expect(opened.view.locator(".note")).to_have_text("This row has a label. If none fits, x removes it.")
        await shows.select_option("unlabelled")
        await expect(place).to_have_text("Row 1 of 2")
        await opened.press("0")
        await expect(place).to_have_text("Row 2 of 2")
        await opened.press("ArrowLeft")
        await expect(opened.view.locator(".tag.chosen")).to_have_text("fits no label")
        none_fits = opened.view.get_by_role("button", name="No label fits")
        await expect(none_fits).to_have_attribute("aria-pressed", "true")
        await shows.select_option("disagrees")
        await expect(place).to_have_text("Row 1 of 2")
        await expect(none_fits).to_have_count(0)  # of a row that has a label
        await opened.press("f", "g", "u")
        await opened.view.get_by_role("button", name="Save").click()

        await expect(opened.view.locator("h1")).to_contain_text(f"{task_of(dataset)}-d2")
        await expect(opened.view.get_by_role("button", name="Nothing to save")).to_be_disabled()
        [told] = opened.said("ui/update-model-context")
        assert "has what was decided on 2 rows." in told["content"][0]["text"]
        assert [edit.action for edit in read_edits(workspace, f"{task_of(dataset)}-d2")] == ["fits_none", "flag"]
        await expect(opened.view.locator(".empty")).to_have_text("Finding out which rows are doubtful…")
        held.go.set()
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 1")


async def test_what_is_saved_is_taken_back_by_a_key_or_a_button_in_a_further_version_that_shows_its_row(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    task = task_of(dataset)
    whole = read_table(workspace, dataset).to_pylist()
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        texts, note = opened.view.locator(".card .text p"), opened.view.locator(".note")
        await opened.press("f")
        removed = await texts.inner_text()
        await opened.press("x")
        await opened.view.get_by_role("button", name="Save").click()
        await expect(opened.view.locator("h1")).to_contain_text(f"{task}-d2")
        await opened.press("u")

        await expect(opened.view.locator("h1")).to_contain_text(f"{task}-d3")
        await expect(note).to_contain_text("1 row is as it was before the decision")
        await expect(texts).to_have_text(removed)
        await expect(opened.view.locator(".tag.chosen")).to_have_count(0)
        await expect(opened.view.locator(".progress")).to_contain_text("1 of 34 rows decided")
        assert opened.faults == []

    async with shown(chromium, client, {"dataset": f"{task}-d3"}) as again:  # a page that was loaded anew
        await again.view.get_by_role("button", name="History").click()
        await expect(again.view.locator(".history li").first).to_contain_text("undone")
        await again.view.get_by_role("button", name="Undo: 1 row flagged").click()

        await expect(again.view.locator("h1")).to_contain_text(f"{task}-d4")
        await expect(again.view.locator(".history")).to_contain_text("Taken back on the review page: flag (1 row)")
    rows = read_table(workspace, f"{task}-d4").to_pylist()
    assert sorted(rows, key=str) == sorted(whole, key=str)
    assert [edit.action for edit in read_edits(workspace, f"{task}-d4")][-1] == "undo"


async def test_a_name_that_is_given_late_stands_on_what_is_not_saved_and_on_no_more(
    client: Client, chromium: Browser, dataset: str
) -> None:
    arguments: dict[str, Any] = {"dataset": dataset}
    async with shown(chromium, client, arguments) as ann, shown(chromium, client, arguments) as bob:
        await judged(ann)
        await ann.press("f")
        await ann.view.get_by_role("button", name="Save").click()
        await expect(ann.view.locator("h1")).to_contain_text(f"{task_of(dataset)}-d2")
        await expect(ann.view.locator(".card .text")).to_be_visible()  # a key is about the row that is seen
        await ann.press("x")
        await ann.view.get_by_role("button", name="History").click()
        name = ann.view.get_by_label("Your name")
        await name.press_sequentially("An")
        await ann.page.evaluate(DRAWN_ANEW)
        await name.press_sequentially("n")
        await expect(name).to_have_value("Ann")
        await ann.press("Tab")
        await expect(ann.view.locator(".progress")).not_to_contain_text("being stored")

        await bob.view.get_by_role("button", name="History").click()
        decisions = bob.view.locator(".history ul").first.locator("li")
        await expect(decisions.nth(0)).to_contain_text("· Ann")
        await expect(decisions.nth(1)).to_contain_text("· person")
        await ann.view.get_by_role("button", name="Save").click()
        await expect(decisions.nth(0)).to_contain_text(f"· Ann · in {task_of(dataset)}-d3")
        assert ann.faults == bob.faults == []


async def test_inline_there_is_the_queue_alone_and_a_way_to_the_whole(
    client: Client, chromium: Browser, dataset: str
) -> None:
    context = {"displayMode": "inline", "theme": "dark"}
    async with shown(chromium, client, {"dataset": dataset}, context=context, size=(390, 500)) as opened:
        await expect(opened.view.locator(".card .text")).to_be_visible()
        await expect(opened.view.get_by_role("navigation")).to_have_count(0)
        await opened.view.get_by_role("button", name="Full screen").click()

        assert opened.said("ui/request-display-mode") == [{"mode": "fullscreen"}]
        wide = await opened.view.locator("html").evaluate("e => e.scrollWidth > e.clientWidth")
        assert not wide


async def test_a_task_of_many_labels_is_labelled_by_a_part_of_a_name_and_says_what_they_mean(
    client: Client, chromium: Browser, workspace: Workspace
) -> None:
    labels = tuple(Label(name=f"label {number:02}", description=f"All of {number}.") for number in range(30))
    workspace.save_task(Task(slug="many", instruction="Many.", labels=labels))
    dataset = dataset_of(workspace, "many", unlabelled=[make_example(f"text {number}", None) for number in range(3)])

    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await expect(opened.view.locator(".card .text")).to_be_visible()
        await expect(opened.view.locator(".label").first).to_have_attribute("title", "All of 0.")
        await opened.view.get_by_text("What the labels mean").click()
        await expect(opened.view.locator("details li").last).to_have_text("label 29: All of 29.")
        await opened.press("l")
        await opened.page.keyboard.type("27")
        await opened.press("Enter")

        assert await stored(opened, workspace, dataset, 1) == [("relabel", "label 27")]
