"""Three prompts that a person can start from."""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS
from pydantic import Field

from classwright_server.backend import Backend
from classwright_tools.domain.example import USUAL_DIVISION

DIVIDED = f"split={USUAL_DIVISION}"
ABOUT = Field(description="What to tell apart, in a sentence: the texts and the classes.")
TASK = Field(description="The task's short name, such as banking12.")


async def prompt_errors(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """A middleware: tells who asks for a prompt wrongly what is wrong, which the SDK takes for a defect of the server.

    Raises:
        MCPError: -32602, invalid params.
    """
    try:
        return await call_next(ctx)
    except ValueError:
        if ctx.method != "prompts/get":
            raise
        reason = "there is no such prompt, or an argument that it needs is missing"
        raise MCPError(INVALID_PARAMS, f"prompts/get: {reason}. See prompts/list for both.") from None


def add_prompts(server: MCPServer[Backend]) -> None:
    """Register the prompts."""

    @server.prompt(name="build_classifier", title="Build a classifier")
    def build_classifier(
        about: Annotated[str, ABOUT],
        real_rows: Annotated[str, Field(description="A file with real labelled rows, if there is one.")] = "",
        goal: Annotated[str, Field(description="What is good enough, such as 'macro F1 of 0.9'.")] = "",
    ) -> str:
        """From one sentence to a trained, measured and exported classifier."""
        rows = (
            f"Import the real rows of {real_rows!r} in one call, divided: {DIVIDED}."
            if real_rows
            else "There are no real rows: say with each figure that it comes from written texts."
        )
        compared = (
            "Compare it with the one before: evaluate on the validation split, with `against`."
            if real_rows
            else "Without real rows nothing can be compared: judge by the `validation` of each training."
        )
        target = (
            f"Stop when this is reached: {goal}."
            if goal
            else f"Stop when a round gains nothing{' significant' if real_rows else ''}."
        )
        return f"""Build a text classifier with the classwright tools. What it should tell apart: {about}

1. Settle the labels with me: name and one sentence of description each. Then call propose_topics. If I have texts \
and do not know what kinds there are: make the task without labels, import the texts as 'unlabelled', show me their \
groups (find_examples, groups=0), and call propose_topics again with the labels that we agree on.
2. {rows}
3. Call synthesize_examples, about 40 rows a label. If you are given an assignment, write the texts yourself: varied, \
natural, never naming the label, and send them with submit_examples, several batches a call.
4. Call train_classifier with method 'probe', then error_analysis.
5. Call synthesize_examples with the plan of the analysis, and train again. {compared} {target}
6. At the end train the rows that are kept once by 'contrastive', which takes minutes, and keep the better model. If \
there are real rows, evaluate it on the test split, once. Then call export_model.

If a text may have several of the labels, or none, pass multi_label=true to propose_topics, and take \
'finetune' for 'contrastive' in step 6.

If it is about two texts, such as a search and a product, pass kind='pair' and `mismatch` to propose_topics: there are \
no topics and no plans, and real pairs are needed. Without a file ask me for some, to divide as {DIVIDED}. In step 3 \
mismatches are written for the items of the training pairs, `guidance` says which; in step 4 leave the method out; in \
step 5 let the errors say what `guidance` to pass; in step 6 do not train again.

Tell me after each round the accuracy with its interval, and what was weak."""

    @server.prompt(name="improve_weak_classes", title="Improve the weak classes")
    def improve_weak_classes(
        task: Annotated[str, TASK],
        model: Annotated[str, Field(description="The model to improve; left out, the model in use.")] = "",
    ) -> str:
        """One more round against the errors of a model."""
        which = f"the model {model}" if model else "the model in use of the task (find_examples names it)"
        return f"""Improve {which} of the classwright task {task!r} with one more round.

1. Call error_analysis. Show me the weak classes, the confused pairs with an example each, and labels that are doubted.
2. Call synthesize_examples with its plan. If you are given an assignment, write the texts: of the label, or several \
labels, that they are for, easily mistaken for the other, and still clearly right.
3. Train again by the same method. If there are real validation rows, or real texts with one label each to train \
on, evaluate the new model with `against` the old one; if not, say that the figures come from written texts, and look \
at the `validation` of both trainings.
4. Do what the verdict says: keep the new model on a gain, and where it is undecided; ask me where it is a trade; \
else keep the old one and its rows. Tell me which, and why.

For pairs of texts there is no plan: write mismatches with a `guidance` that the errors suggest."""

    @server.prompt(name="grow_dataset_by_chatting", title="Grow a dataset by chatting")
    def grow_dataset_by_chatting(
        about: Annotated[str, ABOUT],
        rows: Annotated[str, Field(description="About how many rows are wanted.")] = "200",
    ) -> str:
        """Make a labelled dataset together, text by text."""
        return f"""Let us make a labelled dataset of about {rows} texts together, with the classwright tools. \
What it is about: {about}

1. Propose labels with a description each; change them with me until I agree, then call propose_topics.
2. Call synthesize_examples with rows={rows}. If you are given an assignment, write ten texts at a time and show them \
to me before you send them with submit_examples; use what I say for all that follow.
3. After each batch tell me what was refused and why, and how many are still wanted.
4. Put right with edit_examples what I find wrong, and mark what I like as good examples: they show the style.
5. At the end, give me the dataset's id and its resource classwright://TASK/datasets/ID."""
