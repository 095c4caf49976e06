"""What a matcher sees of a pair: groups of pairs, lexical features, the alignment, and the heat map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from classwright_tools.errors import InvalidInput
from classwright_tools.learning.encoders import read_encoder
from classwright_tools.learning.matching import alignment as aligning
from classwright_tools.learning.matching.alignment import fit_alignment
from classwright_tools.learning.matching.lexical import NAMES, LexicalTable, Lexicon
from classwright_tools.learning.matching.linear import FeatureScaling
from classwright_tools.learning.matching.pairs import make_pairs
from classwright_tools.learning.matching.table import PairTable, Vocabulary
from classwright_tools.learning.matching.tokens import TokenProjection, own_tokens, token_pieces, token_states
from classwright_tools.learning.torch_state import one_thread
from support.learning import prompting_encoder, shallow_encoder
from support.matching import MATERIALS, THINGS, setup_in

TEXTS = st.text(alphabet="ab -é.", max_size=12)


@pytest.fixture(autouse=True)
def _on_one_thread() -> Iterator[None]:
    with one_thread():
        yield


def test_rows_of_one_query_are_one_group_whatever_its_case_and_spaces() -> None:
    pairs = make_pairs(["Oak Shelf", "oak  shelf", "lamp"], ["a", "b", "c"], np.array([0, 1, 0]))
    assert pairs.groups[0] == pairs.groups[1] != pairs.groups[2]


def test_pairs_that_do_not_pair_up_are_refused() -> None:
    with pytest.raises(InvalidInput, match="2 queries, 1 items"):
        make_pairs(["a", "b"], ["a"], np.array([0, 1]))


def test_pairs_that_are_joined_are_grouped_anew() -> None:
    one, other = (make_pairs([query], ["x"], np.array([0])) for query in ("lamp", "Lamp"))
    assert one.and_also(other).groups.tolist() == [0, 0]


def test_lexical_features_of_a_pair_worked_out_by_hand() -> None:
    lexicon = Lexicon.fit(["oak shelf", "oak table", "steel shelf"])
    table = LexicalTable.of(["oak shelf lamp"], ["Shelf of oak, oak!"], lexicon)
    features = dict(zip(NAMES, table.features(np.array([0]), np.array([0]), np.array([0.5]))[0], strict=True))
    oak, unknown = np.log(4 / 3), np.log(4)
    assert features["share of the query's words in the item"] == pytest.approx(2 / 3)
    assert features["the same, weighted by idf"] == pytest.approx(2 * oak / (2 * oak + unknown))
    assert features["Jaccard index of the words"] == pytest.approx(2 / 4)
    assert features["words in the query"] == 3
    assert features["words in the item"] == 3
    assert features["first word of the query in the item"] == 1
    assert features["last word of the query in the item"] == 0
    assert features["largest idf of a missing query word"] == pytest.approx(unknown)
    assert features["cosine of the embeddings"] == 0.5


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6))
def test_lexical_features_are_finite_and_shares_lie_between_0_and_1(pairs: list[tuple[str, str]]) -> None:
    queries, items = zip(*pairs, strict=True)
    places = np.arange(len(pairs))
    features = LexicalTable.of(queries, items, Lexicon.fit(queries)).features(places, places, np.zeros(len(pairs)))
    assert np.isfinite(features).all()
    shares = features[:, [0, 1, 2, 3, 6, 7]]
    assert ((shares >= 0) & (shares <= 1 + 1e-12)).all()


def test_a_feature_that_never_varies_stays_finite() -> None:
    features = np.column_stack([np.full(50, 0.1), np.arange(50)])
    assert np.abs(FeatureScaling.fit(features).of(features + 1e-6)).max() < 3


def test_tokens_read_back_from_the_cache_to_the_bit_and_line_up_with_their_pieces(tmp_path: Path) -> None:
    setup = setup_in(tmp_path)
    texts = ["oak shelf", "an unmistakably heavy door"]
    first = token_states(setup.encoder, texts, setup.cache)
    again = token_states(setup.encoder, texts[::-1], setup.cache)[::-1]
    for text, one, other in zip(texts, first, again, strict=True):
        assert (one == other).all()
        assert len(one) == len(token_pieces(setup.encoder, text))


def test_attention_is_to_the_words_of_a_text_and_not_to_what_an_encoder_puts_before_it(tmp_path: Path) -> None:
    encoder = read_encoder(prompting_encoder(tmp_path / "encoder"), "prompting")
    plain = read_encoder(shallow_encoder(tmp_path / "plain"), "plain")

    [states] = token_states(encoder, ["oak shelf"])

    assert len(states) == len(token_pieces(encoder, "oak shelf")) == 2
    assert (states == token_states(plain, ["oak shelf"])[0]).all()


def test_the_tokens_of_a_text_are_found_on_the_device_where_the_encoder_is() -> None:
    ids, mask, special = [101, 7, 102, 8, 0], torch.tensor([1, 1, 1, 1, 0]), {101, 102}
    assert own_tokens(ids, mask, special).tolist() == [False, True, False, True, False]
    # A device that holds shapes alone: like a GPU it takes no tensor of another one.
    assert own_tokens(ids, mask.to("meta"), special).is_meta


def test_a_table_of_tokens_is_padded_and_knows_its_lengths(tmp_path: Path) -> None:
    setup = setup_in(tmp_path)
    states = token_states(setup.encoder, ["oak shelf", "", "an unmistakably heavy door"])
    table = TokenProjection.fit(states).table(states)
    assert table.lengths.tolist() == [2, 1, len(states[2])]
    assert (table.values[0, 2:] == 0).all()


def test_an_alignment_brings_queries_to_items_that_the_encoder_does_not_know_to_be_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aligning, "STEPS", 200)
    # In this shop every item has the name of another material: only its matches tell.
    setup, shift = setup_in(tmp_path), dict(zip(MATERIALS, MATERIALS[1:] + MATERIALS[:1], strict=True))
    pairs = [(f"{m} {t} {n}", f"{shift[m]} {t} {n}") for n in range(16) for m in MATERIALS for t in THINGS]
    queries, items = zip(*pairs, strict=True)
    vocabulary = Vocabulary.fit((*queries, *items), ("lexical",), setup.encoder, setup.cache)
    table = PairTable.of(queries, items, vocabulary, setup.encoder, setup.cache)
    rows = np.arange(len(pairs))
    unseen = rows % 16 == 0
    alignment = fit_alignment(table, rows[~unseen], rows[~unseen], seed=0)
    assert alignment is not None
    aligned = alignment.over(table)
    nearest = (aligned.queries[unseen] @ aligned.items.T).argmax(dim=1).numpy()
    before = (table.query_embeddings[unseen] @ table.item_embeddings.T).argmax(dim=1).numpy()
    assert (nearest == rows[unseen]).mean() > (before == rows[unseen]).mean() + 0.2


def test_few_matches_make_no_alignment(tmp_path: Path) -> None:
    setup = setup_in(tmp_path)
    vocabulary = Vocabulary.fit(("oak shelf",), ("lexical",), setup.encoder, setup.cache)
    table = PairTable.of(["oak shelf"], ["a shelf"], vocabulary, setup.encoder, setup.cache)
    assert fit_alignment(table, np.zeros(100, np.int64), np.zeros(100, np.int64), seed=0) is None
