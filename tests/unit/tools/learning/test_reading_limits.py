"""Rows that are longer than their encoder reads are counted, the same from an encoder's files and once it is open."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.domain.pair import joined
from classwright_tools.learning.encoder_folders import embedded_folder
from classwright_tools.learning.encoders import Encoder, open_encoder, read_encoder
from classwright_tools.learning.model import save_encoder
from classwright_tools.learning.reading_limits import ReadingLimit, limit_at_hand, limit_of

# Two tokens begin and end each of eight windows; each "kettle" is one.
FITS, LONGER = " ".join(["kettle"] * 8 * 254), " ".join(["kettle"] * (8 * 254 + 1))


def default() -> ReadingLimit:
    limit = limit_at_hand(DEFAULT_ENCODER)
    assert limit is not None
    return limit


def test_a_text_of_one_token_more_than_the_encoder_reads_is_cut() -> None:
    assert (default().at_once, default().tokens) == (256, 2_034)
    assert list(default().cuts([FITS, LONGER, "kettle", "", "é" * 2_100])) == [False, True, False, False, False]
    assert default().cut(["short"] * 600 + [LONGER] * 3) == 3


def test_a_pair_is_cut_where_one_of_its_texts_is_and_not_for_the_length_of_both() -> None:
    pairs = [joined(FITS, FITS), joined("kettle", LONGER), joined(LONGER, LONGER)]
    assert list(default().cuts(pairs)) == [False, True, True]


def test_the_files_of_an_encoder_tell_what_it_tells_once_open(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(embedded_folder(), folder)
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 64}))
    (folder / "config_sentence_transformers.json").write_text(
        json.dumps({"prompts": {"query": "a query about kettles: "}, "default_prompt_name": "query"})
    )
    encoder = read_encoder(folder, "mine")
    save_encoder(encoder.model, tmp_path / "saved")  # has its limit in the tokenizer's file
    texts = [" ".join(["kettle"] * length) for length in range(484, 500)]
    found = [limit_of(encoder), limit_at_hand(str(folder)), limit_at_hand(str(tmp_path / "saved"))]
    counts = [(limit.tokens, list(limit.cuts(texts))) for limit in found if limit]
    assert len(counts) == 3
    assert counts[0] == counts[1] == counts[2]
    assert 0 < sum(counts[0][1]) < len(texts)


def test_an_open_encoder_without_a_limit_cuts_nothing() -> None:
    encoder = open_encoder(DEFAULT_ENCODER)
    before = encoder.model.max_seq_length
    try:
        encoder.model.max_seq_length = 10**30
        assert limit_of(Encoder(encoder.ref, encoder.model)) is None
    finally:
        encoder.model.max_seq_length = before


@pytest.mark.parametrize("name", ["nobody/has-this-model", "no such model!", "/no/such/folder"])
def test_an_encoder_that_is_not_at_hand_has_no_known_limit(name: str) -> None:
    assert limit_at_hand(name) is None


@pytest.mark.parametrize("damage", ["tokenizer.json", "sentence_bert_config.json"])
def test_damaged_files_of_an_encoder_stop_nobody_from_counting(tmp_path: Path, damage: str) -> None:
    shutil.copytree(embedded_folder(), tmp_path / "encoder")
    (tmp_path / "encoder" / damage).write_text("[1, 2")
    limit = limit_at_hand(str(tmp_path / "encoder"))
    assert limit is None or limit.at_once == 512  # the tokenizer's own


def test_what_is_told_names_the_rows_and_the_limit() -> None:
    assert default().remark(0, 9) == ""
    assert default().remark(1, 9).startswith("1 of 9 rows is cut at 2,034 tokens")
    assert default().remark(37, 100).startswith("37 of 100 rows are cut at 2,034 tokens")


def test_counting_from_files_loads_no_torch_and_no_client_of_the_hub_where_its_cache_has_none(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from classwright_tools.learning.reading_limits import limit_at_hand\n"
        f"assert limit_at_hand({DEFAULT_ENCODER!r}).cut(['kettle ' * 2_100]) == 1\n"
        "assert not {'torch', 'transformers', 'sentence_transformers', 'huggingface_hub.hf_api'} & set(sys.modules)"
    )
    without = {**os.environ, "HF_HUB_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=without, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
