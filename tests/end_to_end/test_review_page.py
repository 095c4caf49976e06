"""The review page in a real browser, in a host that needs no Node: what it shows, what its keys do, what it sends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest
from mcp import Client
from playwright.async_api import Browser, expect

from classwright_tools.domain.example import make_example
from classwright_tools.domain.kinds import task_of
from classwright_tools.domain.task import Label, Task
from classwright_tools.workspace.datasets import read_table
from classwright_tools.workspace.workspace import Workspace
from support.measurement import dataset_of
from support.page_host import CHROMIUM, Kind, shown
from support.review import HOSTILE, SHORT, WRONG, review_dataset, review_of_sets
from support.review_page import Faltering, HeldOrder, judged, standing, stored
from support.server import APPS, ServerProcess, until

pytestmark = [pytest.mark.anyio, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium, which CI installs")]

NUMBERS = count(1)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that every test here has a task of its own on."""
    with ServerProcess(tmp_path_factory.mktemp("server")) as started:
        yield started


@pytest.fixture
def workspace(server: ServerProcess) -> Iterator[Workspace]:
    """The server's workspace."""
    opened = Workspace(server.workspace)
    yield opened
    opened.engine.dispose()


@pytest.fixture
def task(workspace: Workspace, task: Task) -> Task:
    """The small task, under a name of the test's own."""
    return workspace.save_task(task.model_copy(update={"slug": f"support{next(NUMBERS)}"}))


@pytest.fixture
def dataset(workspace: Workspace, task: Task) -> str:
    return review_dataset(workspace, task)


@pytest.fixture
async def client(server: ServerProcess) -> AsyncIterator[Client]:
    async with Client(server.url, extensions=APPS) as connected:
        yield connected


@pytest.mark.parametrize("kind", ["whole", "stripped", "silent"])
async def test_rows_are_shown_whatever_the_host_passes_on(
    client: Client, chromium: Browser, dataset: str, kind: Kind
) -> None:
    async with shown(chromium, client, {"dataset": dataset}, result={"dataset": dataset}, kind=kind) as opened:
        await expect(opened.view.locator("h1")).to_contain_text(dataset)
        await expect(opened.view.locator(".card .text")).to_be_visible()

        assert opened.faults == []
        assert opened.said("ui/notifications/size-changed")


async def test_the_page_begins_with_the_rows_that_the_chat_looked_for(
    client: Client, chromium: Browser, dataset: str
) -> None:
    arguments = {"dataset": dataset, "where": {"labels": ["account"], "origins": ["written"]}}
    async with shown(chromium, client, arguments, result={"dataset": dataset}) as opened:
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("6 rows")
    inline = {"displayMode": "inline"}
    async with shown(chromium, client, arguments, result={"dataset": dataset}, context=inline) as opened:
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 6")


async def test_rows_alike_are_found_and_an_earlier_version_comes_back(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.get_by_role("button", name="List").click()
        await opened.view.locator("#list-search").fill("cant log in")
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("1 row")
        await opened.view.get_by_role("button", name="Alike: rows like cant log in").click()
        await expect(opened.view.locator(".rows p").first).to_have_text("cant log in")
        await expect(opened.view.locator(".rows p").nth(1)).to_contain_text("log in to my account")

        await opened.view.get_by_role("button", name="Queue").click()
        await opened.press("x")
        await opened.view.get_by_role("button", name="Save").click()
        await expect(opened.view.locator("h1")).to_contain_text(f"{task_of(dataset)}-d2")
        await opened.view.get_by_role("button", name="History").click()
        await opened.view.get_by_role("button", name=f"Go back to it: {dataset}").click()

        await expect(opened.view.locator("h1")).to_contain_text(f"{task_of(dataset)}-d3")
        assert read_table(workspace, f"{task_of(dataset)}-d3").equals(read_table(workspace, dataset))
        assert opened.faults == []


async def test_a_key_decides_and_moves_on_and_each_decision_is_stored(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 34")
        first = await opened.view.locator(".label .name").all_inner_texts()
        second_label = first[1]

        await opened.press("2", "Enter", "x", "f", "s", "u")
        await expect(opened.view.locator(".place")).to_have_text("Row 4 of 34")
        await opened.press("1")

        decisions = await stored(opened, workspace, dataset, 5)
        assert decisions[0][0] in ("relabel", "accept")
        assert decisions[0][1] in (second_label, None)
        assert [action for action, _ in decisions[1:4]] == ["accept", "remove", "flag"]
        assert len(standing(workspace, dataset).rows) == 4
        assert len(opened.said("tools/call")) < 12, "decisions are sent in batches"
        assert opened.faults == []


async def test_keys_work_while_the_order_by_doubt_is_on_its_way_and_no_row_changes_under_the_hand(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    held = HeldOrder(client)
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
        await opened.press("ArrowRight")
        await expect(opened.view.locator(".tag.warn")).to_have_text("label probably wrong")
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


async def test_the_most_likely_label_has_the_first_key_and_a_wrong_label_is_suspected(
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
        await expect(opened.view.locator(".label .name").first).to_have_text("delivery")
        await expect(opened.view.locator(".label.own .name")).to_have_text("refund")


async def test_an_edited_text_is_stored_and_keys_in_a_field_are_letters(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await expect(opened.view.locator(".card .text")).to_be_visible()
        await opened.press("e")
        await opened.view.get_by_label("Text", exact=True).fill("xx 12 a new text")
        await opened.press("Control+Enter")

        await stored(opened, workspace, dataset, 1)
        [entry] = standing(workspace, dataset).entries
        assert entry.decision.text == "xx 12 a new text"


async def test_decisions_are_saved_as_a_new_version_of_which_the_chat_learns_the_counts(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.press("x", "g", "u")
        await opened.view.get_by_role("button", name="Save").click()

        await expect(opened.view.locator("h1")).to_contain_text(f"{task_of(dataset)}-d2")
        await expect(opened.view.get_by_role("button", name="Nothing to save")).to_be_disabled()
        [told] = opened.said("ui/update-model-context")
        assert "has 1 decision;" in told["content"][0]["text"]
        assert len(read_table(workspace, f"{task_of(dataset)}-d2")) == 34


async def test_a_fair_sample_hides_what_would_lead_and_ends_in_a_share(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.locator(".queue select").select_option("sample")
        await expect(opened.view.locator(".place")).to_have_text("Row 1 of 34")
        await expect(opened.view.locator(".chance, .own, .warn")).to_have_count(0)

        await opened.press(*["1"] * 34)

        await expect(opened.view.locator(".result")).to_contain_text("95% interval")
        await stored(opened, workspace, dataset, 34)
        counted = sum(entry.decision.right is not None for entry in standing(workspace, dataset).entries)
        assert counted == 32, "rows without a label say nothing of labels"
        await expect(opened.view.locator(".result")).to_contain_text("of 32 rows")


async def test_all_rows_of_a_look_are_decided_at_once_after_their_number_was_shown(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await opened.view.get_by_role("button", name="List").click()
        await opened.view.get_by_label("Origin").select_option("written")
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("18 rows")
        await opened.view.get_by_label("All of them:").select_option("accept")
        await expect(opened.view.locator("dialog strong")).to_have_text("18 rows")
        await opened.view.get_by_role("button", name="Yes, 18 rows").click()

        await expect(opened.view.locator(".note")).to_contain_text("18 rows decided at once")
        assert await stored(opened, workspace, dataset, 1) == [("accept", None)]

        await opened.view.get_by_role("button", name="History").click()
        await opened.view.get_by_role("button", name="Undo: 18 rows accepted").click()
        await expect(opened.view.locator(".undone")).to_have_count(1)
        assert standing(workspace, dataset).rows == {}


async def test_on_the_map_keys_go_from_row_to_row_and_choose_those_around(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.get_by_role("button", name="Map").click()
        await expect(opened.view.locator("canvas").last).to_be_visible()
        read = opened.view.locator(".map .rows .what p").first
        await opened.press("ArrowRight")
        first = await read.inner_text()
        await opened.press("ArrowRight", "ArrowDown", "ArrowLeft")
        await expect(read).not_to_have_text(first)
        await opened.press("+", "+", "+", "+", "+", "-")
        await expect(opened.view.locator(".chosen-rows strong")).to_contain_text("rows")
        chosen = await opened.view.locator(".chosen-rows strong").inner_text()
        await opened.press("o")

        await expect(opened.view.locator(".list .bar strong").first).to_have_text(chosen)
        assert opened.faults == []


async def test_the_figures_open_their_rows_and_the_map_is_drawn(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await judged(opened)
        await opened.view.get_by_role("button", name="Figures").click()
        cell = opened.view.get_by_role("button", name="row of refund taken for delivery")
        rows = int(await cell.inner_text())
        await cell.click()
        await expect(opened.view.locator(".list .bar strong").first).to_have_text(f"{rows} row{'s' * (rows > 1)}")

        await opened.view.get_by_role("button", name="Map").click()
        canvas = opened.view.locator("canvas").last
        box = await canvas.bounding_box()
        assert box
        await opened.page.mouse.move(box["x"] + 2, box["y"] + 2)
        await opened.page.mouse.down()
        for x, y in ((0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.01)):
            await opened.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"], steps=4)
        await opened.page.mouse.up()
        await opened.view.get_by_role("button", name="Open them in the list").click()
        await expect(opened.view.locator(".list .bar strong").first).to_have_text("34 rows")
        assert opened.faults == []


async def test_rows_are_text_wherever_they_are_shown_and_never_go_into_the_chat(
    client: Client, chromium: Browser, dataset: str
) -> None:
    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await opened.view.get_by_role("button", name="List").click()
        await opened.view.locator("#list-search").fill("ignore all rules")
        await expect(opened.view.locator(".rows p").first).to_have_text(HOSTILE)
        await opened.view.get_by_role("button", name="Review one by one").click()
        await expect(opened.view.locator(".card .text")).to_have_text(HOSTILE)
        await expect(opened.view.locator("img, .text b")).to_have_count(0)

        assert await opened.page.title() != "sang"
        assert "ignore all rules" not in json.dumps(opened.said("ui/update-model-context"))
        assert opened.faults == []


async def test_two_people_see_what_the_other_decided(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    arguments: dict[str, Any] = {"dataset": dataset}
    async with shown(chromium, client, arguments) as before:
        await judged(before)  # so that the queues of both begin with the same row
    async with shown(chromium, client, arguments) as ann, shown(chromium, client, arguments) as bob:
        for opened in (ann, bob):
            await expect(opened.view.locator(".card .text")).to_be_visible()
        await ann.press("x")
        await stored(ann, workspace, dataset, 1)
        await bob.press("s", "f")
        await stored(bob, workspace, dataset, 2)
        await bob.press("ArrowLeft", "ArrowLeft")

        await expect(bob.view.locator(".tag.chosen")).to_have_text("removed by another person")


async def test_a_page_hears_of_what_is_done_elsewhere_without_a_decision_of_its_own(
    client: Client, chromium: Browser, workspace: Workspace, dataset: str
) -> None:
    arguments: dict[str, Any] = {"dataset": dataset}
    async with shown(chromium, client, arguments) as before:
        await judged(before)
    async with shown(chromium, client, arguments) as ann, shown(chromium, client, arguments) as bob:
        for opened in (ann, bob):
            await expect(opened.view.locator(".card .text")).to_be_visible()
        await ann.press("x")
        await expect(bob.view.locator(".tag.chosen")).to_have_text("removed by another person")
        await ann.press("u")
        await expect(bob.view.locator(".tag.chosen")).to_have_count(0)

        await bob.view.get_by_role("button", name="List").click()
        changes = [{"action": "remove", "rows": {"where": {"text": "password"}}}]
        edit = {"task": task_of(dataset), "reason": "said in the chat", "changes": changes}
        newer = (await client.call_tool("edit_examples", edit)).structured_content["result"]["dataset"]  # type: ignore[index]
        await bob.view.get_by_role("button", name=f"Go to {newer}").click()

        await expect(bob.view.locator("h1")).to_contain_text(newer)
        await expect(bob.view.locator(".list .rows li").first).to_be_visible()
        await expect(bob.view.locator(".notice")).to_have_count(0)
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


async def test_a_task_of_many_labels_is_labelled_by_a_part_of_a_name(
    client: Client, chromium: Browser, workspace: Workspace
) -> None:
    labels = tuple(Label(name=f"label {number:02}") for number in range(30))
    workspace.save_task(Task(slug="many", instruction="Many.", labels=labels))
    dataset = dataset_of(workspace, "many", unlabelled=[make_example(f"text {number}", None) for number in range(3)])

    async with shown(chromium, client, {"dataset": dataset}) as opened:
        await expect(opened.view.locator(".card .text")).to_be_visible()
        await opened.press("l")
        await opened.page.keyboard.type("27")
        await opened.press("Enter")

        assert await stored(opened, workspace, dataset, 1) == [("relabel", "label 27")]


@pytest.fixture
def sets(workspace: Workspace) -> str:
    """A dataset whose rows may have several labels."""
    return review_of_sets(workspace, f"mail{next(NUMBERS)}")


async def test_keys_put_labels_in_and_out_and_enter_decides_on_the_set(
    client: Client, chromium: Browser, workspace: Workspace, sets: str
) -> None:
    async with shown(chromium, client, {"dataset": sets}) as opened:
        await judged(opened)
        await opened.view.locator(".queue select").select_option("disagrees")
        await expect(opened.view.locator(".card .text")).to_have_text(SHORT)
        own = opened.view.locator(".label.own .name")
        await expect(own).to_have_text(["delivery"])
        names = await opened.view.locator(".label .name").all_inner_texts()
        assert set(names[:2]) == {"refund", "delivery"}, "those that a classifier gives have the first keys"

        await opened.press(str(1 + names.index("refund")))
        await expect(opened.view.locator(".set button")).to_contain_text(["refund", "delivery"])
        await opened.press("Enter")
        await expect(opened.view.locator(".place")).to_contain_text("Row 2")
        await opened.press("0")
        await expect(opened.view.locator(".set")).to_have_text("Chosen: none of the labels")
        await opened.press("Enter", "u")
        await expect(opened.view.locator(".place")).to_contain_text("Row 2")
        await opened.press("ArrowLeft")
        await expect(opened.view.locator(".card .about .tag.chosen")).to_have_text("now refund + delivery")

        await until(lambda: len(standing(workspace, sets).rows) == 1)
        await opened.view.get_by_role("button", name="Save").click()
        await expect(opened.view.locator("h1")).to_contain_text(f"{task_of(sets)}-d2")
        rows = read_table(workspace, f"{task_of(sets)}-d2").select(["text", "labels"]).to_pylist()
        assert {"text": SHORT, "labels": ["refund", "delivery"]} in rows
        assert opened.faults == []


async def test_a_fair_sample_of_sets_ends_in_the_share_of_rows_with_all_labels_right(
    client: Client, chromium: Browser, workspace: Workspace, sets: str
) -> None:
    async with shown(chromium, client, {"dataset": sets}) as opened:
        await judged(opened)
        await opened.view.locator(".queue select").select_option("sample")
        await expect(opened.view.locator(".place")).to_contain_text("Row 1 of 54")
        await expect(opened.view.locator(".chance, .own, .warn")).to_have_count(0)
        await opened.press("Enter")
        await expect(opened.view.locator(".note")).to_contain_text("0 says that none applies")

        await opened.press(*["1", "Enter"] * 54)

        await expect(opened.view.locator(".result")).to_contain_text("rows have all their labels right and no other")
        await stored(opened, workspace, sets, 54)
        await expect(opened.view.locator(".result")).to_contain_text("of 53 rows")
        right = sum(row["labels"] == ["refund"] for row in read_table(workspace, sets).to_pylist())
        await expect(opened.view.locator(".result")).to_contain_text(f"{right} of 53")


async def test_the_list_and_the_figures_know_labels_that_a_classifier_missed_and_added(
    client: Client, chromium: Browser, sets: str
) -> None:
    async with shown(chromium, client, {"dataset": sets}) as opened:
        await judged(opened)
        await opened.view.get_by_role("button", name="List").click()
        found = opened.view.locator(".list .bar strong").first
        await opened.view.locator(".filters select").first.select_option("|")
        await expect(found).to_have_text("12 rows")
        await expect(opened.view.locator(".rows .tag.own").first).to_have_text("none of the labels")
        await opened.view.get_by_role("button", name="Clear").click()
        await opened.view.get_by_label("Classifier added").select_option("refund")
        await expect(opened.view.locator(".rows p").first).to_have_text(SHORT)
        await expect(opened.view.locator(".rows .tag.warn").first).to_contain_text("refund")

        await opened.view.get_by_role("button", name="Figures").click()
        await expect(opened.view.locator(".figures")).to_contain_text("all their labels and no other")
        cell = opened.view.locator(".confusion button").first
        rows = int(await cell.inner_text())
        await cell.click()
        await expect(found).to_have_text(f"{rows} row{'s' * (rows > 1)}")
        await opened.view.get_by_role("button", name="Figures").click()
        added = opened.view.get_by_role("button", name="refund added to")
        told = await added.inner_text()
        await added.click()
        await expect(found).to_have_text(told.removeprefix("refund added to ").removesuffix(" without it"))
        await opened.view.get_by_role("button", name="Figures").click()
        await opened.view.get_by_role("button", name="refund|delivery: late parcels").click()
        await expect(found).to_have_text("1 row")
        await expect(opened.view.locator(".rows .tag.own")).to_have_text(["refund", "delivery"])
        assert opened.faults == []
