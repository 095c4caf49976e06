"""The build: which tools it calls with what, against a real server with scripted tools."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver.exceptions import ToolError as Refusal

from classwright_agents.errors import ToolError
from classwright_agents.journal import Journal
from classwright_agents.moves import Decision, Move, Situation, Stop, TrainAgain, WriteAgainstErrors
from classwright_agents.summary import summary
from support.agent import around, small_task, usage
from support.scripted_build import ScriptedTools, built


def test_without_real_rows_the_first_texts_begin_a_dataset_and_later_ones_join_it(tmp_path: Path) -> None:
    scripted = ScriptedTools()

    built(scripted, tmp_path, small_task(max_rounds=2))

    assert [(w["from"], w["dataset"], w["new_dataset"]) for w in scripted.writings] == [
        ("support-t1", None, True),
        ("support-p1", "support-d1", False),
    ]


def real_rows(folder: Path, rows: int) -> Path:
    path = folder / "validation.jsonl"
    path.write_text('{"text": "where is it?", "label": "delivery"}\n' * rows, encoding="utf-8")
    return path


def test_real_rows_that_are_left_out_are_told_with_the_reason(tmp_path: Path) -> None:
    task, out = small_task(max_rounds=1, validation=real_rows(tmp_path, 3)), io.StringIO()

    built(ScriptedTools(), tmp_path, task, out)

    assert "1 real validation row; left out: 2 near-duplicate of a test row\n" in out.getvalue()


def test_rows_that_are_too_long_or_cut_are_left_out_by_file_and_line_before_anything_is_paid_for(
    tmp_path: Path,
) -> None:
    rows, out = tmp_path / "rows.csv", io.StringIO()
    rows.write_text(f'label,text\nrefund,pay me\nrefund,"open\ndelivery,{"where " * 20_000}\nrefund,a, b\n')

    outcome = built(ScriptedTools(), tmp_path, small_task(max_rounds=1, validation=rows), out)

    told = "file 'rows.csv': 3 of 4 rows are left out: line 3: quote not closed: put the whole text in quotes"
    assert told in out.getvalue()
    assert "; line 4: too long; line 5: more fields than the header" in out.getvalue()
    assert out.getvalue().index(told) < out.getvalue().index("cells of label")
    skipped = outcome.imported["validation"].skipped
    assert skipped.items() >= {"quote not closed": 1, "too long": 1, "more fields than the header": 1}.items()


def test_real_rows_of_which_none_can_be_used_are_told_with_the_reasons(tmp_path: Path) -> None:
    task = small_task(max_rounds=1, validation=real_rows(tmp_path, 5_003))  # two calls

    with pytest.raises(ToolError, match=r"no row of it could be used \(5003 near-duplicate of a test row\)"):
        built(ScriptedTools(imported=0), tmp_path, task)


def test_labels_that_a_file_of_rows_lacks_are_told_when_it_is_read_and_keep_the_target_from_being_reached(
    tmp_path: Path,
) -> None:
    scripted, out = ScriptedTools(not_covered=("delivery", "account")), io.StringIO()
    task = small_task(max_rounds=2, validation=real_rows(tmp_path, 1), target={"accuracy": 0.8})

    outcome = built(scripted, tmp_path, task, out)

    told = "validation.jsonl has no row of 'delivery', 'account': validation figures will tell nothing of that."
    assert told in out.getvalue()
    assert out.getvalue().index(told) < out.getvalue().index("texts written")
    assert outcome.stop
    assert outcome.stop.cause == "no_gain"
    assert outcome.best == outcome.rounds[0]
    assert outcome.rounds[0].scores.not_covered == ("delivery", "account")


def test_what_the_topics_took_is_taken_from_the_budget(tmp_path: Path) -> None:
    scripted = ScriptedTools()

    outcome = built(scripted, tmp_path, small_task(max_rounds=2, budget={"tokens": 10_000}))

    assert [w["max_tokens"] for w in scripted.writings] == [8_500, 6_500]
    assert outcome.spent.tokens == 5_500


def test_what_a_cancelled_job_spent_is_told_and_taken_from_the_budget(tmp_path: Path) -> None:
    scripted = ScriptedTools()
    journal = Journal(tmp_path)
    journal.append("spent", step=2, job_id="job_0", usage=usage(3_000))
    journal.append("spent", step=5, job_id="job_1", usage=usage(4_000))  # of the second writing
    journal.close()

    outcome = built(scripted, tmp_path, small_task(max_rounds=2, budget={"tokens": 20_000}))

    assert outcome.spent.tokens == 5_500 + 7_000
    assert [w["max_tokens"] for w in scripted.writings] == [15_500, 9_500]


@pytest.mark.parametrize(("target", "before"), [({"macro_f1": 0.95}, 0.5), ({"accuracy": 0.95}, 0.9)])
def test_a_round_remembers_the_best_figure_before_it_in_the_targets_metric(
    tmp_path: Path, target: dict[str, float], before: float
) -> None:
    outcome = built(ScriptedTools(), tmp_path, small_task(max_rounds=2, target=target))

    assert [r.best_before for r in outcome.rounds] == [None, before]


def test_what_the_final_method_made_is_told_beside_the_rounds_though_it_is_not_kept(tmp_path: Path) -> None:
    outcome = built(ScriptedTools(), tmp_path, small_task(max_rounds=1, final_method="contrastive"))

    assert [(r.model, r.written) for r in outcome.trainings] == [("support-m1", 100), ("support-m2", 0)]
    assert outcome.best == outcome.rounds[0]


class Training(ScriptedTools):
    """Scripted tools that train by the method named, and reach the accuracy given for it."""

    def __init__(self, **accuracy: float) -> None:
        super().__init__()
        self.accuracy = accuracy
        self.methods: list[str] = []

    def train_classifier(self, task: str, dataset: str, method: str) -> dict[str, Any]:
        """Note the method."""
        self.methods.append(method)
        told = super().train_classifier(task, dataset, method) | {"method": method}
        told["validation"]["accuracy"] = around(self.accuracy[method]).model_dump()
        return told


class Planned:
    """A driver that makes these moves in their order."""

    name = "plan"

    def __init__(self, *moves: Move) -> None:
        self._moves = moves

    def expected(self) -> str:
        """Return that nothing is to be told."""
        return ""

    async def decide(self, situation: Situation) -> Decision:
        """Return the next move."""
        move = self._moves[len(situation.rounds) - 1]
        return Decision(move, move.reason)


@pytest.mark.parametrize(("contrastive", "later"), [(0.95, "contrastive"), (0.7, "probe")])
def test_rounds_after_a_kept_training_by_another_method_train_by_that_method(
    tmp_path: Path, contrastive: float, later: str
) -> None:
    scripted = Training(probe=0.8, contrastive=contrastive)
    again, write = TrainAgain(method="contrastive", reason="Try it."), WriteAgainstErrors(reason="Errors are left.")
    plan = Planned(again, write, write, Stop(cause="decided", reason="Enough."))

    built(scripted, tmp_path, small_task(method="probe", max_rounds=9), driver=lambda *_: plan)

    assert scripted.methods == ["probe", "contrastive", later, later]


def test_a_best_model_that_the_final_method_has_trained_is_not_trained_once_more(tmp_path: Path) -> None:
    scripted = Training(probe=0.8, contrastive=0.95)
    plan = Planned(TrainAgain(method="contrastive", reason="Try it."), Stop(cause="decided", reason="Enough."))
    task = small_task(method="probe", max_rounds=9, final_method="contrastive")

    outcome = built(scripted, tmp_path, task, driver=lambda *_: plan)

    assert scripted.methods == ["probe", "contrastive"]
    assert outcome.best == outcome.rounds[1]
    assert outcome.decisions[-1] == "The final method, contrastive, has trained support-m2 already."


def test_a_cap_that_cannot_be_kept_is_told_by_its_name_in_the_task_file(tmp_path: Path) -> None:
    class Unpriced(ScriptedTools):
        """A server that does not know what its writer costs."""

        def synthesize_examples(self, task: str, max_cost: float) -> dict[str, Any]:  # type: ignore[override]  # noqa: ARG002
            """Refuse."""
            raise Refusal("max_cost: cannot be kept: what the writer costs is not known. Cap max_tokens instead.")

    with pytest.raises(
        ToolError, match=r"budget\.dollars: cannot be kept: .* is not known\. Cap budget\.tokens instead\."
    ):
        built(Unpriced(), tmp_path, small_task(budget={"dollars": 5}))


class Refusing(ScriptedTools):
    """Scripted tools of which `refuses` gives for a tool's name what its calls after the first are answered."""

    def __init__(self, **refuses: str) -> None:
        super().__init__()
        self._refuses = refuses

    def _once(self, tool: str, calls: int) -> None:
        if calls and tool in self._refuses:
            raise Refusal(self._refuses[tool])

    def synthesize_examples(self, task: str, topic_tree: str | None = None, plan: str | None = None) -> dict[str, Any]:  # type: ignore[override]
        """Write, or refuse."""
        self._once("synthesize_examples", len(self.writings))
        return super().synthesize_examples(task, topic_tree, plan)

    def train_classifier(self, task: str, dataset: str, method: str) -> dict[str, Any]:
        """Train, or refuse."""
        self._once("train_classifier", self.models)
        return super().train_classifier(task, dataset, method)


NO_TOKENS = "max_tokens: 0 of 6500 tokens are spent, and the next request may take 42269. Raise max_tokens."
NO_MONEY = "max_cost: $0.1000 of $0.2000 is spent, and the next request may cost $0.1500. Raise max_cost."


@pytest.mark.parametrize(("refused", "cause"), [(NO_TOKENS, "tokens"), (NO_MONEY, "dollars")])
def test_a_budget_whose_rest_pays_for_no_request_ends_the_rounds_and_the_best_model_is_measured_and_exported(
    tmp_path: Path, refused: str, cause: str
) -> None:
    task = small_task(max_rounds=3, budget={"tokens": 10_000, "dollars": 1}, test=real_rows(tmp_path, 1))

    first, resumed = (built(Refusing(synthesize_examples=refused), tmp_path, task) for _ in range(2))

    assert first.stop == resumed.stop
    assert first.stop
    assert first.stop.cause == cause
    assert f"budget.{cause}: {refused.split(': ')[1].split('. ')[0]}" in first.stop.reason
    assert len(first.rounds) == 1
    assert first.test
    assert first.export


def test_a_writer_that_fails_ends_the_run_which_goes_on_when_it_is_put_right(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="does not answer"):
        built(Refusing(synthesize_examples="writer: does not answer."), tmp_path, small_task(max_rounds=2))

    assert len(built(ScriptedTools(), tmp_path, small_task(max_rounds=2)).rounds) == 2


def test_a_final_method_that_is_refused_leaves_the_rounds_model_which_is_exported(tmp_path: Path) -> None:
    scripted = Refusing(train_classifier="memory: there is too little. Take another method.")

    outcome = built(scripted, tmp_path, small_task(max_rounds=1, final_method="finetune"))

    assert outcome.final is None
    assert outcome.best == outcome.rounds[0]
    assert outcome.export
    assert outcome.decisions[-1] == (
        "support-m1 is kept: the final method, finetune, failed. Tool 'train_classifier': memory: there is too little. "
        "Take another method."
    )


def test_a_build_without_a_first_text_says_why_and_writes_anew_when_it_is_resumed(tmp_path: Path) -> None:
    scripted = ScriptedTools(accepted=0)
    with pytest.raises(ToolError, match=r"no text was written: the writer refused\. Correct the task's instruction\."):
        built(scripted, tmp_path, small_task(max_rounds=1))
    scripted.accepted = 100

    outcome = built(scripted, tmp_path, small_task(max_rounds=1))

    assert outcome.export
    assert outcome.export.export == "support-x1"
    assert len(scripted.writings) == 2


class EstimatingTools(ScriptedTools):
    """Scripted tools whose writing also tells what it would take."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int | None] = []
        write = self.synthesize_examples

        def synthesize_examples(
            task: str,
            topic_tree: str | None = None,
            plan: str | None = None,
            dataset: str | None = None,
            new_dataset: bool = False,
            rows: int | None = None,
            max_cost: float | None = None,
            dry_run: bool = False,
        ) -> dict[str, Any]:
            """Tell what it would take, or write."""
            if not dry_run:
                return write(task, topic_tree, plan, dataset, new_dataset)
            self.asked.append(rows)
            told = {"seconds": None, "model_calls": 9, "tokens_in": 800, "tokens_out": 100, "dollars": 0.5}
            return {"estimate": {**told, "rests_on": "3 earlier runs on this machine"}}

        self.mcp.remove_tool("synthesize_examples")
        self.mcp.add_tool(synthesize_examples)


def test_what_a_build_should_cost_and_its_caps_are_told_before_anything_is_written(tmp_path: Path) -> None:
    scripted, out = EstimatingTools(), io.StringIO()
    task = small_task(max_rounds=3, rows_per_round=40, budget={"dollars": 2_000_000, "minutes": 1})

    outcome = built(scripted, tmp_path, task, out)
    told = out.getvalue()

    assert "Caps: 3 rounds, $2,000,000, 1 min.\n" in told
    assert (
        "takes an unknown time, 9 model calls, 900 tokens, $0.50, and so does each of up to 2 further rounds." in told
    )
    assert told.count("This rests on 3 earlier runs on this machine.") == 1
    assert told.index("Estimate:") < told.index("round 0: write")
    assert scripted.asked == [None, 40]
    assert outcome.expected
    assert outcome.expected.first_round.dollars == 0.5
    assert summary("support", outcome)["expected"]["further_rounds"] == 2


def test_a_resumed_build_does_not_ask_again_what_it_costs(tmp_path: Path) -> None:
    scripted, task = EstimatingTools(), small_task(max_rounds=1)

    first, again = (built(scripted, tmp_path, task) for _ in range(2))

    assert len(scripted.asked) == 2
    assert again.expected == first.expected
