"""A label that takes the rest: is an answer with it to be doubted where the text is unlike all that was learnt?

    python benchmarks/catch_all.py --data FOLDER [--seeds 5]

Models learn 10 labels of banking from `clinc150`, 30 rows each, and 40 or 120 rows of `other`, drawn from 4 of its 8
other domains. They are asked held-out training rows: of the 10 labels, and of `other` from the domains that were seen,
from those that were not, from the other labels of banking, and from none. Printed are means over the seeds: how many
are sure if none out of scope is, how many of these are right; and the same where an answer `other` may be sure.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from pathlib import Path

import numpy as np

from articles.pages import table
from articles.sets import CACHE, read_split
from classwright_tools.context import DEFAULT_ENCODER
from classwright_tools.learning.calibration import softmax
from classwright_tools.learning.classifier import assessed
from classwright_tools.learning.embedding_cache import EmbeddingCache
from classwright_tools.learning.encoders import open_encoder
from classwright_tools.learning.label_space import LabelSpace
from classwright_tools.learning.rows import Rows
from classwright_tools.learning.scope import out_of_scope
from classwright_tools.learning.setup import Setup
from classwright_tools.learning.training import train

DOMAINS = {
    "bank": (
        "freeze_account routing pin_change bill_due pay_bill account_blocked interest_rate min_payment "
        "bill_balance transfer order_checks balance spending_history transactions report_fraud"
    ),
    "credit": (
        "replacement_card_duration expiration_date damaged_card improve_credit_score report_lost_card "
        "card_declined credit_limit_change apr redeem_rewards credit_limit rewards_balance application_status "
        "credit_score new_card international_fees"
    ),
    "kitchen": (
        "food_last confirm_reservation how_busy ingredients_list calories nutrition_info recipe "
        "restaurant_reviews restaurant_reservation meal_suggestion restaurant_suggestion cancel_reservation "
        "ingredient_substitution cook_time accept_reservations"
    ),
    "home": (
        "what_song play_music todo_list_update reminder reminder_update calendar_update order_status "
        "update_playlist shopping_list calendar next_song order todo_list shopping_list_update smart_home"
    ),
    "auto": (
        "current_location oil_change_when oil_change_how uber traffic tire_pressure schedule_maintenance gas mpg "
        "distance directions last_maintenance gas_type tire_change jump_start"
    ),
    "travel": (
        "plug_type travel_notification translate flight_status international_visa timezone exchange_rate "
        "travel_suggestion travel_alert vaccines lost_luggage book_flight book_hotel carry_on car_rental"
    ),
    "utility": (
        "weather alarm date find_phone share_location timer make_call calculator definition "
        "measurement_conversion flip_coin spelling time roll_dice text"
    ),
    "work": (
        "pto_request_status next_holiday insurance_change insurance meeting_schedule payday taxes income "
        "rollover_401k pto_balance pto_request w2 schedule_meeting direct_deposit pto_used"
    ),
    "talk": (
        "who_made_you meaning_of_life who_do_you_work_for do_you_have_pets what_are_your_hobbies fun_fact "
        "what_is_your_name where_are_you_from goodbye thank_you greeting tell_joke are_you_a_bot how_old_are_you "
        "what_can_i_ask_you"
    ),
    "meta": (
        "change_speed user_name whisper_mode yes change_volume no change_language repeat change_accent cancel "
        "sync_device change_user_name change_ai_name reset_settings maybe"
    ),
}
"""Of `clinc150` (Larson et al. 2019), each with its 15 labels."""
OWN = ("bank", "credit")
SIZES = (40, 120)  # training rows of `other`
Texts = list[tuple[str, int]]
"""Texts, each with the place of its label; `other` is the last."""


def case(by_label: dict[str, list[str]], size: int, seed: int) -> tuple[Texts, Texts, dict[str, Texts], list[str]]:
    """Return rows to learn and to validate by, texts to ask by their kind, and the labels."""
    chance = np.random.default_rng(seed)
    rest = [name for name in DOMAINS if name not in OWN]
    seen = [rest[place] for place in chance.permutation(len(rest))[:4]]
    labels = [label for name in OWN for label in chance.choice(DOMAINS[name].split(), 5, replace=False)]
    near = [label for name in OWN for label in DOMAINS[name].split() if label not in labels]
    learnt: Texts = []
    validation: Texts = []
    own: Texts = []
    for place, label in enumerate(labels):
        texts = [(by_label[label][one], place) for one in chance.permutation(len(by_label[label]))]
        learnt, validation, own = learnt + texts[:30], validation + texts[30:42], own + texts[42:67]

    def drawn(domains: list[str], count: int) -> Texts:
        there = [text for name in domains for label in DOMAINS[name].split() for text in by_label[label]]
        return [(there[place], len(labels)) for place in chance.permutation(len(there))[:count]]

    others = drawn(seen, size + 150)
    asked = {
        "the labels": own,
        "other, seen domains": others[size + 30 :],
        "other, unseen domains": drawn([name for name in rest if name not in seen], 250),
        "other, near labels": [(text, len(labels)) for label in near for text in by_label[label][:12]],
        "none of its domains": [(text, len(labels)) for text in by_label["out_of_scope"][:100]],
    }
    return learnt + others[:size], validation + others[size : size + 30], asked, [*labels, "other"]


def figures(data: Path, size: int, seed: int) -> dict[str, list[float]]:
    """Return of each kind of texts the share sure and right without the label for the rest, and with it."""
    by_label: defaultdict[str, list[str]] = defaultdict(list)
    found = read_split(data, "clinc150", "train")
    for text, label in zip(found.texts, found.labels, strict=True):
        by_label[label].append(text)
    learnt, validation, asked, labels = case(by_label, size, seed)
    setup = Setup(
        encoder=open_encoder(DEFAULT_ENCODER),
        cache=EmbeddingCache(CACHE),
        labels=tuple(labels),
        epochs=None,
        seed=seed,
        progress=lambda _done, _what: None,
    )
    trained = train("probe", _rows(learnt), _rows(validation), setup)
    told = {}
    for kind, texts in asked.items():
        one = assessed(trained.classifier, [text for text, _ in texts], len(labels))
        foreign = out_of_scope(one.likeness, trained.scope, len(texts))
        proba = softmax(one.logits / trained.temperature)
        judged = LabelSpace(tuple(labels)).judge(proba, foreign, trained.sureness.threshold)
        right = proba.argmax(axis=1) == np.array([place for _, place in texts])
        ways = (judged.reached & ~foreign, judged.sure)
        told[kind] = [float(share) for sure in ways for share in (sure.mean(), right[sure].mean() if sure.any() else 1)]
    return told


def _rows(texts: Texts) -> Rows:
    return Rows(
        tuple(text for text, _ in texts), np.array([place for _, place in texts]), np.arange(len(texts)), "real"
    )


def main() -> None:
    """Print a line for each kind of texts and size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=os.environ.get("DATA"), required="DATA" not in os.environ)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    lines = []
    for size in SIZES:
        runs = [figures(arguments.data, size, seed) for seed in range(arguments.seeds)]
        for kind in runs[0]:
            means = np.mean([one[kind] for one in runs], axis=0)
            lines.append([f"{size}", kind, *(f"{share:.3f}" for share in means)])
    print(table(["rows of other", "texts", "sure", "right of these", "sure with other", "right of these"], lines))


if __name__ == "__main__":
    main()
