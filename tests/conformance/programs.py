"""The programs that judge the server: installed from npm, once, into a folder that git ignores."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".conformance"
PROGRAMS = {
    "@modelcontextprotocol/conformance": "0.2.0-alpha.12",  # the first line that knows 2026-07-28; nothing newer is out
    "@modelcontextprotocol/inspector": "2.12.0",
    "axe-core": "4.14.1",
    "node": "22.23.3",  # the runner needs 22, which many systems do not have
}
SECONDS = 900


def install() -> None:
    """Install what is missing."""
    stamp = FOLDER / "installed.json"
    if stamp.exists() and json.loads(stamp.read_text(encoding="utf-8")) == PROGRAMS:
        return
    if shutil.which("npm") is None:
        sys.exit("conformance: npm is not installed. Install it (Debian: apt-get install npm) and try again.")
    FOLDER.mkdir(exist_ok=True)
    wanted = [f"{name}@{version}" for name, version in PROGRAMS.items()]
    flags = ["--prefix", str(FOLDER), "--no-audit", "--no-fund", "--loglevel", "error"]
    subprocess.run(["npm", "install", *flags, *wanted], check=True, timeout=SECONDS)
    stamp.write_text(json.dumps(PROGRAMS), encoding="utf-8")


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the programs to its end, on the Node that was installed with it."""
    folder = FOLDER / "node_modules" / ".bin"
    environment = {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}
    return subprocess.run(
        [str(folder / program), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        stdin=subprocess.DEVNULL,
    )
