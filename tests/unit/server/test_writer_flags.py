"""The flags of writers: each kind's own, read into its settings by their types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from classwright_server.cli import parser
from classwright_server.config.settings import ToolSettings, settings_from
from classwright_tools.domain.usage import Prices
from classwright_tools.errors import InvalidInput
from classwright_tools.writing.backends.registry import writer_kinds

ENDPOINT = ["--writer-url", "http://one/v1", "--writer-url", "http://two/v1", "--writer-model", "m"]


def chosen(*words: str) -> Any:
    """The writer's settings of a server that is started with `words`."""
    return settings_from(vars(parser().parse_args(["serve", *words])), {}).tool_settings.writer


def test_an_endpoint_is_chosen_by_its_urls() -> None:
    writer = chosen(*ENDPOINT, "--writer-price-in", "0.5", "--writer-key-env", "KEY", "--writer-thinking-tokens", "9")

    assert writer.base_urls == ("http://one/v1", "http://two/v1")
    assert (writer.prices, writer.key_variables, writer.thinking_tokens) == (Prices(tokens_in=0.5), ("KEY",), 9)
    assert chosen(*ENDPOINT).prices is None


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["--recorded", "a.jsonl", "b.jsonl"], "recorded"),
        (["--writer-path", "some/model"], "local"),
        (["--scripted", "my_module:answer"], "scripted"),
        (ENDPOINT, "endpoint"),
    ],
)
def test_settings_of_every_kind_reach_another_process_whole(words: list[str], kind: str) -> None:
    own = ToolSettings(workspace=Path("/ws"), writer=chosen(*words))

    assert own.writer is not None
    assert own.writer.kind == kind
    assert ToolSettings.model_validate_json(own.model_dump_json()) == own


def test_every_kind_has_a_flag_that_chooses_it_alone() -> None:
    first = [next(iter(kind.flags().values())).name for kind in writer_kinds().values()]

    assert len(set(first)) == len(first)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--writer-url", "http://one/v1"], "--writer-url: needs --writer-model as well"),
        ([*ENDPOINT, "--scripted", "s.json"], "given twice, by --writer-url and --scripted"),
        ([*ENDPOINT, "--job-cost", "1"], "--job-cost: needs the writer's prices"),
        (["--writer-model", "m"], "--writer-model: is set, and no writer that reads it. Add --writer-url"),
        (
            ["--scripted", "s.json", "--writer-price-in", "3"],
            "--writer-price-in: is not read by the writer of --scripted. Take it out.",
        ),
    ],
)
def test_what_does_not_go_together_is_named(words: list[str], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        chosen(*words)


def test_what_costs_nothing_may_have_its_cost_capped() -> None:
    assert chosen("--scripted", "s.json", "--job-cost", "1").prices == Prices()
