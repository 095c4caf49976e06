"""Where things lie in the repository."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
BANKING12 = ROOT / "examples" / "banking12"
PACKAGES = {
    "classwright": ROOT / "tools" / "classwright",
    "classwright_tools": ROOT / "tools" / "classwright_tools",
    "classwright_server": ROOT / "server" / "classwright_server",
    "classwright_agents": ROOT / "agents" / "classwright_agents",
}
