"""The build: from a task file to the best model, by calling the server's tools one after another.

    topics -> real rows -> write -> train -> measure -> (analyse -> write -> train -> measure)*
    -> (train -> measure, by the final method) -> test -> explain -> export

What to do next is decided by a driver (`coach`, `model_driver`); how a call is made, remembered and resumed, in
`steps`. Models are chosen by the validation rows; the test rows are used once, after the last decision.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from classwright_agents.answers import TopicsResult
from classwright_agents.coach import better_of
from classwright_agents.errors import ToolError
from classwright_agents.expected import caps_in_words, expected_cost
from classwright_agents.figures import Round, kept_round, named
from classwright_agents.journal import Journal
from classwright_agents.moves import Driver, Failure, Move, Situation, Stop, TrainAgain, WriteAgainstErrors, WriteMore
from classwright_agents.outcome import Imported, Outcome
from classwright_agents.picture import StageName
from classwright_agents.rows import RowFile, batches, read_splits
from classwright_agents.steps import R, Steps, accept
from classwright_agents.task_file import TaskFile
from classwright_agents.usable import as_budget, check_first_texts, check_tree, check_writer, used_up
from classwright_agents.view import View
from classwright_tools.contract import (
    ErrorAnalysisResult,
    EvaluateResult,
    ExportModelResult,
    ImportExamplesResult,
    Scores,
    SynthesizeExamplesResult,
    TrainClassifierResult,
    counted,
)

Arguments = dict[str, Any]


class Build:
    """One build of a task."""

    def __init__(self, task: TaskFile, driver: Driver, steps: Steps, journal: Journal, view: View) -> None:
        self._task = task
        self._steps = steps
        self._journal = journal
        self._view = view
        self._driver = driver
        self._outcome = Outcome(driver.name)
        self._dataset: str | None = None
        self._method = task.method  # of the rounds that write; that of a kept training by another takes its place
        self._round: int | None = None
        self._round_began = 0.0

    async def run(self) -> Outcome:
        """Build, and return what came of it.

        Raises:
            AgentError: a tool refused, the server went away, or a file cannot be used.
        """
        out, task = self._outcome, self._task
        paths = {"test": task.test, "validation": task.validation}
        files = read_splits(paths, task.label_names, several=task.multi_label)
        for remark in filter(None, (file.remark for file in files.values())):
            self._view.say(remark)
        topics = out.topics = await self._propose_topics()
        await self._import(files)
        plan: Arguments = {"topic_tree": topics.topic_tree}
        self._round_began = self._steps.seconds
        if rows := task.rows or (task.rows_per_cell or 0) * topics.cells:
            plan["rows"] = rows
        await self._tell_cost(plan)
        written = await self._write(0, plan)
        await self._train_and_measure(self._method, written.accepted)
        while out.stop is None:
            out.stop = await self._go_on()
        await self._conclude()
        return out

    # --- before the rounds

    async def _propose_topics(self) -> TopicsResult:
        self._outcome.lost = await self._steps.lost()
        result = await self._call("topics", "propose_topics", self._task.of_topics, TopicsResult, check_tree)
        self._view.say(f"{counted(result.cells, 'cell')} of label, topic, subtopic and source type")
        return result

    async def _import(self, files: dict[str, RowFile]) -> None:
        for split, file in files.items():
            total = self._outcome.imported[split] = Imported(skipped=Counter(file.left_out), remark=file.remark)
            for batch in batches(file.rows):
                arguments: Arguments = {"task": self._task.task, "split": split, "rows": batch, **self._joined()}
                result = await self._call("real rows", "import_examples", arguments, ImportExamplesResult)
                self._dataset = result.dataset or self._dataset
                total.rows += result.imported
                total.skipped.update(result.skipped)
                total.labels.update(result.labels)
            reasons = ", ".join(f"{count} {reason}" for reason, count in total.skipped.items())
            if not total.rows:
                raise ToolError(f"File {file.name!r}", f"no row of it could be used ({reasons})", "Mend its rows.")
            self._view.say(counted(total.rows, f"real {split} row") + (f"; left out: {reasons}" if reasons else ""))
            bare = [label for label in self._task.label_names if not total.labels[label]]
            if bare:
                self._view.say(f"{file.name} has no row of {named(bare)}: {split} figures will tell nothing of that.")

    def _joined(self) -> Arguments:
        """Return the arguments that name the dataset to add to: a new one for the first rows.

        A run's figures must not be mixed with what a shared server holds of the task from earlier runs.
        """
        return {"dataset": self._dataset} if self._dataset else {"new_dataset": True}

    async def _tell_cost(self, plan: Arguments) -> None:
        """Tell what the build should cost and what caps it, before anything is written."""
        self._view.say(caps_in_words(self._task))
        arguments: Arguments = {"task": self._task.task, **plan, **self._joined()}
        expected = self._outcome.expected = await expected_cost(self._task, arguments, self._steps, self._journal)
        for words in (expected.in_words if expected else "", self._driver.expected()):
            if words:
                self._view.say(words)

    # --- a round

    async def _write(self, round_: int, plan: Arguments) -> SynthesizeExamplesResult:
        """Write texts, by a tree or a plan, within what is left of the budget."""
        self._round = round_
        self._outcome.lost = await self._steps.lost()
        budget, spent = self._task.budget, self._outcome.spent
        arguments: Arguments = {"task": self._task.task, **plan, **self._joined()}
        if budget.tokens:
            arguments["max_tokens"] = max(1, budget.tokens - spent.tokens)
        if budget.dollars:
            arguments["max_cost"] = max(0.001, round(budget.dollars - spent.dollars, 6))
        check = check_first_texts if round_ == 0 else check_writer
        try:
            result = await self._call("write", "synthesize_examples", arguments, SynthesizeExamplesResult, check)
        except ToolError as error:
            raise as_budget(error) from error
        self._outcome.written.append(result)
        self._dataset = result.dataset or self._dataset
        lacking = counted(result.wanted - result.accepted, "is", "are")
        why = f"; {lacking} missing: {result.missing[0].reason}" if result.missing else ""
        self._view.say(f"round {round_}: {result.accepted} of {counted(result.wanted, 'text')} written{why}")
        return result

    async def _train_and_measure(self, method: str, written: int) -> None:
        out = self._outcome
        before = kept_round(out.rounds, self._task.target.metric) if out.rounds else None
        latest = await self._trained(method, before, len(out.rounds), written)
        out.rounds.append(latest)
        self._view.round_done(latest)

    async def _trained(self, method: str, before: Round | None, number: int, written: int) -> Round:
        """Train on the current dataset by `method`, and measure against `before` on the validation rows."""
        out, task = self._outcome, self._task
        arguments: Arguments = {"task": task.task, "dataset": self._dataset, "method": method}
        if task.encoder:
            arguments["encoder"] = task.encoder
        trained = await self._call("train", "train_classifier", arguments, TrainClassifierResult)
        out.trained.append(trained)
        measured = None
        if task.validation:
            arguments = {"model": trained.model, "dataset": self._dataset, "split": "validation"}
            if before:
                arguments["against"] = before.model
            measured = await self._call("measure", "evaluate", arguments, EvaluateResult)
            out.measured[trained.model] = measured
        scores: Scores = measured.figures if measured else trained.validation
        return Round(
            round=number,
            rows=trained.training_rows,
            written=written,
            method=trained.method,
            model=trained.model,
            dataset=trained.dataset,
            data=measured.data if measured else trained.validation.data,
            scores=scores,
            seconds=self._steps.seconds - self._round_began,
            compared=measured.comparison if measured else None,
            best_before=before.figure(task.target.metric).value if before else None,
        )

    async def _go_on(self) -> Stop | None:
        """Decide after a round, and do it until a next round is measured; return the stop if that is decided.

        What is written joins the rows of the round that is kept.
        """
        out, failed = self._outcome, list[Failure]()
        while True:
            move = await self._decide(out.situation(tuple(failed)))
            if isinstance(move, Stop):
                return move
            self._round, self._round_began = len(out.rounds), self._steps.seconds
            kept = kept_round(out.rounds, self._task.target.metric)
            self._dataset = kept.dataset
            failure = await self._made(move, kept)
            if failure is None:
                return None
            failed.append(failure)

    async def _decide(self, situation: Situation) -> Move:
        """Return the driver's move, told and written down."""
        out = self._outcome
        if self._task.driver:
            self._view.stage("decide", self._round, out.spent)
        decision = await self._driver.decide(situation)
        out.deciding += decision.usages
        if decision.seconds:
            out.seconds["decide"] += decision.seconds
        self._decided(situation.key, decision.told)
        return decision.move

    async def _made(self, move: WriteAgainstErrors | WriteMore | TrainAgain, kept: Round) -> Failure | None:
        """Make a move and measure what comes of it: a round, or nothing, which is returned with the reason."""
        if isinstance(move, TrainAgain):
            try:
                await self._train_and_measure(move.method, 0)
            except ToolError as error:
                return Failure(move, str(error))
            if kept_round(self._outcome.rounds, self._task.target.metric) is not kept:
                self._method = move.method
            return None
        most = move.rows or self._task.rows_per_round
        asked: Arguments = {"guidance": move.guidance} if move.guidance else {}
        if isinstance(move, WriteAgainstErrors):
            plan = (await self._analyse("analyse", kept, most)).plan
            if plan is None:
                return Failure(move, "The error analysis found nothing to write against the errors that are left.")
            asked["plan"] = plan
        else:
            assert self._outcome.topics
            asked |= {"topic_tree": self._outcome.topics.topic_tree, "rows": most}
            asked |= {"labels": move.labels} if move.labels else {}
        try:
            written = await self._write(len(self._outcome.rounds), asked)
        except ToolError as error:
            if (budget := used_up(error)) is None:
                raise  # of a writer that fails, say: the run is resumed when that is put right
            self._outcome.lost = await self._steps.lost()
            return Failure(move, f"No text could be written: {error.reason}", budget)
        if not written.accepted:
            return Failure(move, f"None of the {counted(written.wanted, 'text')} planned could be written.")
        await self._train_and_measure(self._method, written.accepted)
        return None

    async def _analyse(self, stage: StageName, base: Round, rows: int) -> ErrorAnalysisResult:
        arguments = {"model": base.model, "dataset": base.dataset, "rows": rows}
        self._outcome.analysis = await self._call(stage, "error_analysis", arguments, ErrorAnalysisResult)
        return self._outcome.analysis

    # --- after the rounds

    async def _conclude(self) -> None:
        """Fine-tune if asked to, measure the best model once on the test rows, explain its errors, and export it."""
        out = self._outcome
        self._round = None
        best = kept_round(out.rounds, self._task.target.metric)
        if self._task.final_method == best.method:
            self._decided("after the rounds", f"The final method, {best.method}, has trained {best.model} already.")
        elif self._task.final_method:
            self._dataset = best.dataset
            self._round_began = self._steps.seconds
            try:
                out.final = await self._trained(self._task.final_method, best, best.round, written=0)
                best, reason = better_of(best, out.final, self._task.target)
            except ToolError as error:
                reason = f"{best.model} is kept: the final method, {self._task.final_method}, failed. {error}"
            self._decided("after the rounds", reason)
        out.best = best
        self._view.say(f"The best model is {best.model}, of round {best.round}.")
        if self._task.test:
            arguments = {"model": best.model, "dataset": best.dataset, "split": "test"}
            out.test = await self._call("test", "evaluate", arguments, EvaluateResult)
        if out.analysis is None or out.analysis.model != best.model:
            await self._analyse("explain", best, self._task.rows_per_round)
        out.export = await self._call("deliver", "export_model", {"model": best.model}, ExportModelResult)

    # --- inside

    async def _call(
        self, stage: StageName, tool: str, arguments: Arguments, model: type[R], check: Callable[[R], None] = accept
    ) -> R:
        """Return the result of calling `tool`, of type `model`; `check` refuses one that is of no use."""
        self._view.stage(stage, self._round, self._outcome.spent)
        step = await self._steps.run(tool, arguments, model, check)
        self._outcome.seconds[stage] += step.seconds
        return step.result

    def _decided(self, key: str, reason: str) -> None:
        """Tell a decision, and write it down the first time that it is taken."""
        self._outcome.decisions.append(reason)
        self._view.say(reason)
        if self._journal.find("decision", key=key) is None:
            self._journal.append("decision", key=key, reason=reason)
