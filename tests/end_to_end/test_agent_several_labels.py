"""The agent builds a classifier of texts with several labels, against a real server with a scripted writer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import yaml

from support.paths import ROOT
from support.several import LABELS, written_for

DEADLINE = 280
NUMBERS = count(10**12)
SERVE = "classwright serve --workspace {workspace} --scripted support.several:script"


def test_a_build_from_a_sentence_a_label_to_a_report(tmp_path: Path, shallow: str) -> None:
    sets = (("refund",), ("delivery",), ("account",), ("refund", "account"), ())
    real = [{"text": t, "labels": labels} for labels in sets for t in written_for("|".join(labels), NUMBERS, 6)]
    (tmp_path / "real.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in real), encoding="utf-8")
    task = {
        "task": "mail",
        "instruction": "Tell everything that a mail to a shop is about.",
        "labels": [{"name": name} for name in LABELS],
        "multi_label": True,
        "topics_per_label": 2,
        "rows": 60,
        "rows_per_round": 30,
        "max_rounds": 2,
        "validation": "real.jsonl",
        "method": "probe",
        "target": {"macro_f1": 1.0},
        "server": {"command": f"{SERVE} --encoder {shallow}"},
    }
    path = tmp_path / "task.yaml"
    path.write_text(yaml.safe_dump(task), encoding="utf-8")
    command = [sys.executable, "-m", "classwright_agents.cli", "build", path, "--runs", tmp_path / "runs", "--plain"]
    paths = os.pathsep.join([str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])

    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
        env={
            **os.environ,
            "PYTHONPATH": paths,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
    )

    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    card = (run / "card.md").read_text(encoding="utf-8")
    assert "Finds all labels, and no other, for" in card
    assert "subset accuracy: all labels right, on 30 real validation rows" in card
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "was missed while that of its column" in page
    assert "refund|" in page
    journal = [json.loads(line) for line in (run / "journal.jsonl").read_text(encoding="utf-8").splitlines()]
    (topics,) = [event for event in journal if event["event"] == "call" and event["tool"] == "propose_topics"]
    assert topics["arguments"]["multi_label"] is True
    assert (run / "model" / "predict.py").is_file()
