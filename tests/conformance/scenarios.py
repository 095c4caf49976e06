"""The official conformance runner: which scenarios each server is put through, and what counts as passed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from programs import run
from verdict import Verdict

OLDER, NEWER = "2025-11-25", "2026-07-28"
EXPECTED_FAILURES = Path(__file__).parent / "expected-failures.yml"

# Those that any server can be put through; the others call tools by names that only a fixture has.
GENERIC = {
    OLDER: (
        "server-initialize",
        "server-session-lifecycle",
        "ping",
        "tools-list",
        "resources-list",
        "prompts-list",
        "dns-rebinding-protection",
        "server-sse-multiple-streams",
    ),
    NEWER: (
        "tools-list",
        "resources-list",
        "prompts-list",
        "dns-rebinding-protection",
        "server-sse-multiple-streams",
        "caching",
        "http-header-validation",
        "sep-2164-resource-not-found",
        "input-required-result-unsupported-methods",
        "input-required-result-ignore-extra-params",
        "server-stateless",
    ),
}
WITH_EXPECTED_FAILURES = "server-stateless"
TASKS = (
    "tasks-lifecycle",
    "tasks-capability-negotiation",
    "tasks-wire-fields",
    "tasks-request-state-removal",
    "tasks-mrtr-input",
    "tasks-request-headers",
    "tasks-dispatch-and-envelope",
    "tasks-required-task-error",
    "tasks-mrtr-composition",
)
SKILLS = ("sep-2640-skills-enumeration", "sep-2640-skills-manifest")
# What the runner reports beside the required scenarios and does not score.
NOT_COUNTED = {
    "tasks-status-notifications": "a stub: the runner checks nothing",
    "server-sse-polling": "pending; streams of the older era are not resumed here, a job is found by its id",
}
_PASSED = re.compile(r"^Passed: (\d+)/(\d+)", re.MULTILINE)
_SUMMARY = re.compile(r"^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed$", re.MULTILINE)


def judge_product(url: str) -> Iterator[Verdict]:
    """Put the product through every generic scenario, then through the skills extension."""
    for revision, names in GENERIC.items():
        for name in names:
            yield _one(f"product, {revision}", url, name, "--spec-version", revision)
    for name in SKILLS:  # as for the tasks below
        yield _one("product, skills extension", url, name)


def judge_fixture(url: str) -> Iterator[Verdict]:
    """Put the fixture server through what each revision requires, then through the tasks extension."""
    for revision in (OLDER, NEWER):
        yield from _required(url, revision)
    for name in TASKS:  # with --spec-version the runner would skip them, and call that a success
        yield _one("fixture, tasks extension", url, name)


def _one(group: str, url: str, name: str, *flags: str) -> Verdict:
    """Run one scenario; it has passed if all its checks have, and there was one."""
    expected = name == WITH_EXPECTED_FAILURES
    baseline = ("--expected-failures", str(EXPECTED_FAILURES)) if expected else ()
    ended = run("conformance", "server", "--url", url, "--scenario", name, *flags, *baseline)
    match = _PASSED.search(ended.stdout)
    passed, checks = (int(match[1]), int(match[2])) if match else (0, 0)
    good = ended.returncode == 0 and passed > 0 and (passed == checks or expected)
    note = "the rest as in expected-failures.yml" if good and passed < checks else ""
    return Verdict(group, name, good, f"{passed}/{checks}", note, ended.stdout + ended.stderr)


def _required(url: str, revision: str) -> Iterator[Verdict]:
    """Run what a revision requires; a scenario without a passed check has not passed."""
    group = f"fixture, required by {revision}"
    ended = run("conformance", "server", "--url", url, "--requirements", revision)
    said = ended.stdout + ended.stderr
    summary = _SUMMARY.findall(ended.stdout.partition("=== SUMMARY ===")[2])
    for name, passed, failed in summary:
        good = None if name in NOT_COUNTED else int(passed) > 0 and failed == "0"
        yield Verdict(group, name, good, f"{passed}/{int(passed) + int(failed)}", NOT_COUNTED.get(name, ""), said)
    if ended.returncode or not summary:
        yield Verdict(group, f"exit code {ended.returncode}", False, "", "", said)
