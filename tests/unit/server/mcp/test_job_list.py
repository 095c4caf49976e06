"""A page of jobs: as many as an answer holds, and a cursor for the next."""

from __future__ import annotations

from datetime import UTC, datetime

from classwright_server.jobs.durable import JobRecord
from classwright_server.jobs.messages import Progress
from classwright_server.mcp.job_views import page_of
from classwright_server.mcp.results import answer


def jobs(n: int) -> list[JobRecord]:
    """`n` running jobs, each with a long message of its own."""
    now, progress = datetime.now(UTC), Progress(fraction=0.1, message="\u00e9" * 300)
    return [
        JobRecord(f"job_{n:032}", "train_classifier", "support", "running", progress, None, now, now) for n in range(n)
    ]


def test_pages_of_fifty_jobs_fit_into_answers_and_no_job_is_left_out_between_them() -> None:
    records, seen, cursor = jobs(60), list[str](), "0"
    while cursor is not None:
        offset = int(cursor)
        page = page_of(records[offset : offset + 51], 50, offset).model_dump(mode="json")
        assert answer(page).structured_content == page  # nothing is cut
        assert f"on this page: {len(page['jobs'])}." in page["summary"]
        seen += [job["job_id"] for job in page["jobs"]]
        cursor = page["next_cursor"]

    assert seen == [record.id for record in records]


def test_a_page_of_no_jobs_says_that_there_are_none() -> None:
    page, after_the_last = page_of([], 50, 0), page_of([], 50, 60)

    assert (page.summary, page.next_cursor) == ("There are no jobs yet.", None)
    assert page.next_step == "Call a tool, such as propose_topics: its job is listed here."
    assert (after_the_last.summary, after_the_last.next_step[:15]) == ("Jobs on this page: 0.", "Call list_jobs ")
