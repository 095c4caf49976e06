"""The coach's rules: when to go on, from where, and when to stop, each with its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classwright_agents import coach
from classwright_agents.figures import Round, Spent, is_gain, kept_round
from classwright_agents.limits import Goal, limit
from classwright_agents.moves import Failure, Situation, Stop, TrainAgain, WriteAgainstErrors
from classwright_agents.task_file import Budget, Target
from support.agent import make_round

TARGET = Target(accuracy=0.95)


def goal(*, target: Target = TARGET, max_rounds: int = 10, **budget: float) -> Goal:
    return Goal(target, max_rounds, Budget.model_validate(budget))


def next_move(to: Goal, rounds: tuple[Round, ...], spent: Spent, *failed: Failure) -> WriteAgainstErrors | Stop:
    return coach.next_move(to, Situation(rounds, spent, failed=failed))


def test_after_a_first_round_below_the_target_the_errors_are_written_against() -> None:
    for accuracy, told in ((0.78, "0.780"), (0.9496, "0.9496")):
        action = next_move(goal(), (make_round(0, accuracy),), Spent())

        assert isinstance(action, WriteAgainstErrors)
        assert action.reason == (
            f"Validation accuracy {told} is below the target of 0.950: write against the errors of round 0."
        )


def test_a_reached_target_stops() -> None:
    action = next_move(goal(), (make_round(0, 0.95),), Spent())

    assert isinstance(action, Stop)
    assert action.cause == "target"


def test_a_figure_on_rows_without_some_labels_reaches_no_target() -> None:
    rounds = (make_round(0, 1.0, not_covered=("delivery", "account")),)

    action = next_move(goal(), rounds, Spent())

    assert isinstance(action, WriteAgainstErrors)
    assert "1.000 does not reach the target of 0.950, as no row that it was measured on is 'delivery', 'account'" in (
        action.reason
    )


def test_a_target_in_macro_f1_is_not_reached_by_accuracy() -> None:
    rounds = (make_round(0, 0.95),)  # its macro-F1 is 0.94

    assert isinstance(next_move(goal(target=Target(macro_f1=0.95)), rounds, Spent()), WriteAgainstErrors)
    stopped = next_move(goal(target=Target(macro_f1=0.94)), rounds, Spent())
    assert isinstance(stopped, Stop)
    assert stopped.reason == "Validation macro-F1 0.940 reaches the target of 0.940."
    written = next_move(goal(target=Target(macro_f1=0.94)), (make_round(0, 0.95, data="written"),), Spent())
    assert written.reason == "Held-out training macro-F1 0.940 reaches the target of 0.940."


def test_the_number_of_rounds_is_kept() -> None:
    rounds = (make_round(0, 0.7), make_round(1, 0.8, gain=0.1, significant=True))

    action = next_move(goal(max_rounds=2), rounds, Spent())

    assert isinstance(action, Stop)
    assert action.cause == "max_rounds"
    assert action.reason == "2 rounds that the task allows are done."
    assert next_move(goal(max_rounds=1), rounds[:1], Spent()).reason == "1 round that the task allows is done."


def test_a_lead_that_may_be_chance_ends_the_rounds_and_its_rows_are_kept_with_the_evidence() -> None:
    rounds = (make_round(0, 0.80), make_round(1, 0.82, gain=0.02))

    action = next_move(goal(), rounds, Spent())

    assert isinstance(action, Stop)
    assert action.cause == "no_gain"
    assert action.reason.startswith("Undecided: keep support-m2, whose lead may be chance. support-m2 alone is")
    assert "100 texts of round 1: kept." in action.reason
    assert kept_round(rounds, "accuracy") is rounds[1]


def test_a_round_without_a_lead_ends_the_rounds_and_its_rows_are_left_out_with_the_evidence() -> None:
    rounds = (make_round(0, 0.80), make_round(1, 0.80, gain=0.0))

    action = next_move(goal(), rounds, Spent())

    assert isinstance(action, Stop)
    assert action.cause == "no_gain"
    assert action.reason.startswith(
        "No gain: keep support-m1. support-m2 alone is right in 9 of 120 rows and alone wrong in 3; a gain needs 8 more"
    )
    assert "100 texts of round 1: left out." in action.reason
    assert "another encoder" in action.reason
    assert "another encoder" not in next_move(replace(goal(), encoders_compared=True), rounds, Spent()).reason
    assert kept_round(rounds, "accuracy") is rounds[0]
    rounds = (rounds[0], replace(rounds[1], written=0, method="contrastive"))
    assert "The training by contrastive of round 1: left out." in next_move(goal(), rounds, Spent()).reason


def test_a_loss_beyond_chance_is_called_one() -> None:
    action = next_move(goal(), (make_round(0, 0.85), make_round(1, 0.75, gain=-0.10)), Spent())

    assert isinstance(action, Stop)
    assert action.reason.startswith("Worse than before: keep support-m1.")


def test_after_gains_the_errors_of_the_latest_round_are_written_against() -> None:
    rounds = (make_round(0, 0.80), make_round(1, 0.88, gain=0.08), make_round(2, 0.94, gain=0.06))

    action = next_move(goal(), rounds, Spent())

    assert isinstance(action, WriteAgainstErrors)
    assert "errors of round 2" in action.reason
    assert kept_round(rounds, "accuracy") is rounds[2]


def test_a_target_is_reached_whoever_drives_also_by_a_lead_that_may_be_chance() -> None:
    rounds = (make_round(0, 0.945), make_round(1, 0.955, gain=0.01))

    action = next_move(goal(), rounds, Spent())

    assert isinstance(action, Stop)
    assert action.cause == "target"
    assert action == limit(goal(), rounds, Spent())


def test_without_a_paired_test_only_an_interval_above_the_older_figure_is_a_gain() -> None:
    wide = make_round(1, 0.86)  # 0.81 to 0.91
    before = make_round(0, 0.80)

    assert is_gain(replace(wide, best_before=before.scores.accuracy.value), "accuracy")
    assert not is_gain(replace(wide, best_before=0.82), "accuracy")


def test_without_a_paired_test_a_target_in_macro_f1_looks_at_its_own_interval() -> None:
    wide = make_round(1, 0.86, macro_f1=0.70)  # 0.65 to 0.75

    assert is_gain(replace(wide, best_before=0.60), "macro_f1")
    assert not is_gain(replace(wide, best_before=0.66), "macro_f1")


def test_a_gain_in_rare_labels_alone_is_a_gain_and_where_figures_differ_in_sign_there_is_none() -> None:
    assert is_gain(make_round(1, 0.81, gain=0.01, macro_f1_gain=0.20), "accuracy")
    assert not is_gain(make_round(1, 0.81, gain=0.20, macro_f1_gain=-0.20), "accuracy")


def test_without_validation_rows_the_reason_names_the_interval() -> None:
    rounds = (make_round(0, 0.80), replace(make_round(1, 0.82), best_before=0.80))

    action = next_move(goal(), rounds, Spent())

    assert isinstance(action, Stop)
    assert "The interval of accuracy of support-m2 reaches below its figure" in action.reason


@pytest.mark.parametrize(
    ("budget", "spent", "cause"),
    [
        ({"tokens": 10_000}, Spent(tokens=10_000), "tokens"),
        ({"dollars": 1.0}, Spent(dollars=1.0), "dollars"),
        ({"minutes": 2.0}, Spent(seconds=100), "minutes"),  # the last round took 30 s
    ],
)
def test_a_budget_that_another_round_does_not_fit_into_stops(
    budget: dict[str, float], spent: Spent, cause: str
) -> None:
    action = next_move(goal(**budget), (make_round(0, 0.7),), spent)

    assert isinstance(action, Stop)
    assert action.cause == cause


@pytest.mark.parametrize(
    ("budget", "spent"),
    [
        ({"tokens": 10_000}, Spent(tokens=8_000)),
        ({"dollars": 1.0}, Spent(dollars=0.5)),
        ({"minutes": 2.0}, Spent(seconds=60)),
    ],
)
def test_a_budget_with_room_for_another_round_does_not_stop(budget: dict[str, float], spent: Spent) -> None:
    assert isinstance(next_move(goal(**budget), (make_round(0, 0.7),), spent), WriteAgainstErrors)


def test_nothing_planned_or_nothing_written_stops() -> None:
    failure = Failure(WriteAgainstErrors(reason="below the target"), "None of the 300 texts planned could be written.")

    move = next_move(goal(), (make_round(0, 0.7),), Spent(), failure)

    assert isinstance(move, Stop)
    assert move.cause == "nothing_to_write"
    assert "300" in move.reason


def test_what_a_driver_tried_in_vain_and_rules_would_not_do_leaves_their_move_as_it_is() -> None:
    refused = Failure(TrainAgain(reason="Try it.", method="contrastive"), "The method is not installed.")

    assert isinstance(next_move(goal(), (make_round(0, 0.7),), Spent(), refused), WriteAgainstErrors)


@given(st.lists(st.floats(-0.2, 0.2), max_size=8))
def test_the_round_that_is_kept_is_the_latest_that_leads(gains: list[float]) -> None:
    later = [make_round(n, 0.5, gain=gain) for n, gain in enumerate(gains, start=1)]

    kept = kept_round([make_round(0, 0.5), *later], "accuracy")

    assert kept.round == max((r.round for r, gain in zip(later, gains, strict=True) if gain > 0), default=0)


@pytest.mark.parametrize(
    ("target", "final", "said"),
    [
        (TARGET, make_round(1, 0.87, gain=0.06), "is better: validation accuracy 0.870"),
        (
            TARGET,
            make_round(1, 0.81, gain=-0.01, macro_f1_gain=0.2),
            "is kept: validation accuracy 0.810 against 0.820",
        ),
        (TARGET, make_round(1, 0.87, gain=0.05), "has the higher figure, which may be chance (p 0.40); it is kept: "),
        (Target(macro_f1=0.95), make_round(1, 0.87, gain=0.04), "which may be chance; it is kept: validation macro-F1"),
        (TARGET, replace(make_round(1, 0.89), best_before=0.82), "is better: "),  # no paired test: 0.84 to 0.94
        (TARGET, replace(make_round(1, 0.85), best_before=0.82), "which may be chance; it is kept: "),
    ],
)
def test_the_final_method_is_kept_as_a_round_is_and_called_better_only_beyond_chance(
    target: Target, final: Round, said: str
) -> None:
    kept, reason = coach.better_of(make_round(1, 0.82), final, target)

    assert kept is final
    assert said in reason


@pytest.mark.parametrize(
    ("target", "final", "advice"),
    [
        (
            Target(macro_f1=0.95),
            make_round(1, 0.75, macro_f1=0.9, gain=-0.1, significant=True, macro_f1_gain=0.1),
            "A trade, for a person",
        ),
        (TARGET, make_round(1, 0.87, gain=0.01, macro_f1_gain=-0.1), "Worse than before: keep support-m1"),
    ],
)
def test_a_final_method_that_is_a_trade_or_a_loss_is_not_kept_for_one_figure(
    target: Target, final: Round, advice: str
) -> None:
    best = make_round(1, 0.82)

    kept, reason = coach.better_of(best, final, target)

    assert kept is best
    assert f"is not kept: validation {'macro-F1' if target.macro_f1 else 'accuracy'}" in reason
    assert advice in reason


def test_a_final_method_without_a_higher_figure_is_not_kept() -> None:
    best = make_round(1, 0.82)

    kept, reason = coach.better_of(best, make_round(1, 0.82), TARGET)

    assert kept is best
    assert "is not better" in reason
