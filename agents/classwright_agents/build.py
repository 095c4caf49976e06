"""The build: from a task file to the best model, by calling the server's tools one after another.

    topics -> real rows -> write -> train -> measure -> (analyse -> write -> train -> measure)*
    -> (train -> measure, by the final method) -> test -> explain -> export

What to do next is decided in `coach`; how a call is made, remembered and resumed, in `steps`. Models are chosen by the
validation rows; the test rows are used once, after the last decision.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from classwright_agents import coach
from classwright_agents.answers import RESULTS, checked
from classwright_agents.errors import ToolError
from classwright_agents.figures import Estimate, Gain, Round, Spent, labels_not_covered, named
from classwright_agents.journal import Journal
from classwright_agents.picture import StageName
from classwright_agents.rows import RowFile, batches, read_rows
from classwright_agents.steps import Check, Step, Steps, accept
from classwright_agents.task_file import TaskFile
from classwright_agents.view import View

Result = dict[str, Any]
SERVER_WITHOUT_WRITER = (
    "has no language model to write with",
    "Start it with one, such as --writer-url http://localhost:8000/v1 --writer-model NAME.",
)


@dataclass
class Outcome:
    """Everything that a build found out, as the tools told it."""

    tree: Result = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    written: list[Result] = field(default_factory=list)
    trained: list[Result] = field(default_factory=list)
    measured: dict[str, Result] = field(default_factory=dict)
    decisions: list[str] = field(default_factory=list)
    stop: coach.Stop | None = None
    final: Round | None = None
    """What the final method made of the best round's rows."""
    best: Round | None = None
    test: Result | None = None
    analysis: Result | None = None
    export: Result | None = None
    imported: dict[str, Result] = field(default_factory=dict)
    lost: list[Result] = field(default_factory=list)
    """The usage of attempts that came to nothing: their jobs were cancelled or failed, and the writer was paid."""
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def trainings(self) -> list[Round]:
        """Every training with its figures: the rounds', and the final method's."""
        return [*self.rounds, self.final] if self.final else self.rounds

    def validation_figures(self, model: str) -> Result:
        """The validation figures of `model`, or without validation rows those of its training."""
        measured = self.measured.get(model)
        if measured:
            return dict(measured["figures"])
        return dict(next(trained["validation"] for trained in self.trained if trained["model"] == model))

    @property
    def usages(self) -> list[Result]:
        """What the writer was asked for, by the topics and by each writing of texts, lost attempts included."""
        return [*(u for r in (self.tree, *self.written) if (u := r.get("usage"))), *self.lost]

    @property
    def spent(self) -> Spent:
        """What the writer used and how long the steps took."""
        return Spent(
            tokens=sum(u["tokens_in"] + u["tokens_out"] for u in self.usages),
            dollars=sum(u["cost"] for u in self.usages),
            seconds=sum(self.seconds.values()),
        )


class Build:
    """One build of a task."""

    def __init__(self, task: TaskFile, steps: Steps, journal: Journal, view: View) -> None:
        self._task = task
        self._steps = steps
        self._journal = journal
        self._view = view
        self._goal = coach.Goal(task.target, task.max_rounds, task.budget)
        self._outcome = Outcome()
        self._dataset: str | None = None
        self._round: int | None = None
        self._round_began = 0.0

    async def run(self) -> Outcome:
        """Build, and return what came of it.

        Raises:
            AgentError: a tool refused, the server went away, or a file cannot be used.
        """
        out = self._outcome
        files = self._real_rows()
        out.tree = await self._propose_topics()
        await self._import(files)
        plan: Result = {"topic_tree": out.tree["topic_tree"]}
        self._round_began = self._steps.seconds
        rows = self._task.rows or (self._task.rows_per_cell or 0) * out.tree["cells"]
        if rows:
            plan["rows"] = rows
        written = await self._write(0, plan)
        while out.stop is None:
            await self._train_and_measure(written)
            out.stop, written = await self._go_on()
        await self._conclude()
        return out

    # --- before the rounds

    async def _propose_topics(self) -> Result:
        task = self._task
        arguments = task.model_dump(
            mode="json",
            include={"task", "instruction", "labels", "languages", "topics_per_label", "subtopics_per_topic"},
        )
        self._outcome.lost += await self._steps.lost()
        if task.source_types:
            arguments["source_types"] = list(task.source_types)
        result = await self._call("topics", "propose_topics", arguments, _check_tree)
        self._view.say(f"{result['cells']} cells of label, topic, subtopic and source type")
        return result

    def _real_rows(self) -> dict[str, RowFile]:
        """Return the files of real rows by split; which of their rows are left out is told before anything is paid."""
        paths = {"test": self._task.test, "validation": self._task.validation}
        files = {split: read_rows(path, self._task.label_names) for split, path in paths.items() if path}
        for file in files.values():
            if file.told:
                self._view.say(file.told)
        return files

    async def _import(self, files: dict[str, RowFile]) -> None:
        for split, file in files.items():
            total = self._outcome.imported[split] = {"imported": 0, "skipped": dict(file.left_out), "labels": {}}
            for batch in batches(file.rows):
                arguments: Result = {"task": self._task.task, "split": split, "rows": batch, **self._joined()}
                result = await self._call("real rows", "import_examples", arguments)
                self._dataset = result["dataset"] or self._dataset
                total["imported"] += result["imported"]
                for counts in ("skipped", "labels"):
                    for name, count in result[counts].items():
                        total[counts][name] = total[counts].get(name, 0) + count
            reasons = ", ".join(f"{count} {reason}" for reason, count in total["skipped"].items())
            if not total["imported"]:
                raise ToolError(f"File {file.name!r}", f"no row of it could be used ({reasons})", "Mend its rows.")
            self._view.say(f"{total['imported']} real {split} rows" + (f"; left out: {reasons}" if reasons else ""))
            bare = [label for label in self._task.label_names if not total["labels"].get(label)]
            if bare:
                self._view.say(f"{file.name} has no row of {named(bare)}: {split} figures will tell nothing of that.")

    def _joined(self) -> Result:
        """Return the arguments that name the dataset to add to: a new one for the first rows.

        A run's figures must not be mixed with what a shared server holds of the task from earlier runs.
        """
        return {"dataset": self._dataset} if self._dataset else {"new_dataset": True}

    # --- a round

    async def _write(self, round_: int, plan: Result) -> Result:
        """Write texts, by a tree or a plan, within what is left of the budget."""
        self._round = round_
        self._outcome.lost += await self._steps.lost()
        budget, spent = self._task.budget, self._outcome.spent
        arguments: Result = {"task": self._task.task, **plan, **self._joined()}
        if budget.tokens:
            arguments["max_tokens"] = max(1, budget.tokens - spent.tokens)
        if budget.dollars:
            arguments["max_cost"] = max(0.001, round(budget.dollars - spent.dollars, 6))
        result = await self._call(
            "write", "synthesize_examples", arguments, _check_first_texts if round_ == 0 else _check_writer
        )
        self._outcome.written.append({"round": round_, **result})
        self._dataset = result["dataset"] or self._dataset
        missing = result["wanted"] - result["accepted"]
        self._view.say(
            f"round {round_}: {result['accepted']} of {result['wanted']} texts written"
            + (f"; {missing} are missing: {result['missing'][0]['reason']}" if missing and result["missing"] else "")
        )
        return result

    async def _train_and_measure(self, written: Result) -> None:
        out = self._outcome
        before = coach.best_round(tuple(out.rounds), self._task.target) if out.rounds else None
        latest = await self._trained(self._task.method, before, len(out.rounds), written["accepted"])
        out.rounds.append(latest)
        self._view.round_done(latest)

    async def _trained(self, method: str, before: Round | None, number: int, written: int) -> Round:
        """Train on the current dataset by `method`, and measure against `before` on the validation rows."""
        out, task = self._outcome, self._task
        arguments: Result = {"task": task.task, "dataset": self._dataset, "method": method}
        if task.encoder:
            arguments["encoder"] = task.encoder
        trained = await self._call("train", "train_classifier", arguments)
        out.trained.append(trained)
        figures = trained["validation"]
        comparison = None
        if task.validation:
            arguments = {"model": trained["model"], "dataset": self._dataset, "split": "validation"}
            if before:
                arguments["against"] = before.model
            measured = await self._call("measure", "evaluate", arguments)
            out.measured[trained["model"]] = measured
            figures = {"data": measured["data"], **measured["figures"]}
            comparison = measured["comparison"]
        return Round(
            round=number,
            rows=trained["training_rows"],
            written=written,
            method=trained["method"],
            model=trained["model"],
            dataset=trained["dataset"],
            data=figures["data"],
            accuracy=Estimate.read(figures["accuracy"]),
            macro_f1=Estimate.read(figures["macro_f1"]),
            seconds=self._steps.seconds - self._round_began,
            not_covered=labels_not_covered(figures),
            gain=Gain.read(comparison) if comparison else None,
            best_before=before.figure(task.target.metric).value if before else None,
        )

    async def _go_on(self) -> tuple[coach.Stop | None, Result]:
        """Decide after a round; return the stop, or what was written for the next round."""
        out = self._outcome
        rounds = tuple(out.rounds)
        action = coach.next_action(self._goal, rounds, out.spent)
        self._decided(f"after round {rounds[-1].round}", action.reason)
        if isinstance(action, coach.Stop):
            return action, {}
        self._round = len(rounds)
        self._round_began = self._steps.seconds
        self._dataset = action.base.dataset
        analysis = await self._analyse("analyse", action.base)
        stop = coach.after_plan(analysis["plan"])
        written: Result = {}
        if stop is None:
            written = await self._write(len(rounds), {"plan": analysis["plan"]})
            stop = coach.after_writing(written["accepted"], written["wanted"])
        if stop is not None:
            self._decided(f"in round {len(rounds)}", stop.reason)
        return stop, written

    async def _analyse(self, stage: StageName, base: Round) -> Result:
        analysis = await self._call(
            stage,
            "error_analysis",
            {"model": base.model, "dataset": base.dataset, "rows": self._task.rows_per_round},
        )
        self._outcome.analysis = analysis
        return analysis

    # --- after the rounds

    async def _conclude(self) -> None:
        """Fine-tune if asked to, measure the best model once on the test rows, explain its errors, and export it."""
        out = self._outcome
        self._round = None
        best = coach.best_round(tuple(out.rounds), self._task.target)
        if self._task.final_method:
            self._dataset = best.dataset
            self._round_began = self._steps.seconds
            out.final = await self._trained(self._task.final_method, best, best.round, written=0)
            best, reason = coach.better_of(best, out.final, self._task.target)
            self._decided("after the rounds", reason)
        out.best = best
        self._view.say(f"The best model is {best.model}, of round {best.round}.")
        if self._task.test:
            out.test = await self._call(
                "test", "evaluate", {"model": best.model, "dataset": best.dataset, "split": "test"}
            )
        if out.analysis is None or out.analysis["model"] != best.model:
            await self._analyse("explain", best)
        out.export = await self._call("deliver", "export_model", {"model": best.model})

    # --- inside

    async def _call(self, stage: StageName, tool: str, arguments: Result, check: Check = accept) -> Result:
        self._view.stage(stage, self._round, self._outcome.spent)

        def is_usable(result: Result) -> None:
            check(result)
            checked(RESULTS[tool], result, f"Tool {tool!r}")

        step: Step = await self._steps.run(tool, arguments, is_usable)
        self._outcome.seconds[stage] += step.seconds
        return checked(RESULTS[tool], step.result, f"Tool {tool!r}")

    def _decided(self, key: str, reason: str) -> None:
        """Tell a decision, and write it down the first time that it is taken."""
        self._outcome.decisions.append(reason)
        self._view.say(reason)
        if self._journal.find("decision", key=key) is None:
            self._journal.append("decision", key=key, reason=reason)


def _check_tree(proposed: Result) -> None:
    """Raise a `ToolError` if the topics are left to whoever calls."""
    if proposed.get("wanted"):
        raise ToolError("The server", *SERVER_WITHOUT_WRITER)


def _check_writer(written: Result) -> None:
    """Raise a `ToolError` if the texts are left to whoever calls."""
    if written.get("assignment"):
        raise ToolError("The server", *SERVER_WITHOUT_WRITER)


def _check_first_texts(written: Result) -> None:
    """Raise a `ToolError` if there is nothing to train on: the first round has no dataset to fall back to."""
    _check_writer(written)
    if not written["accepted"]:
        why = f": {written['missing'][0]['reason']}" if written["missing"] else ""
        raise ToolError("Tool 'synthesize_examples'", f"no text was written{why}", written["next_step"])
