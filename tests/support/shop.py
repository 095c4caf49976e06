"""The task of most tests: messages to a shop's support."""

from __future__ import annotations

from classwright_tools.domain.task import Label, Task


def shop_task() -> Task:
    """Return a task with three labels, which nothing has saved."""
    return Task(
        slug="support",
        instruction="Classify a message to a shop's support by what the customer wants.",
        labels=(
            Label(name="refund", description="the customer wants money back"),
            Label(name="delivery", description="the customer asks where a parcel is"),
            Label(name="account", description="the customer cannot log in or wants to change account data"),
        ),
    )
