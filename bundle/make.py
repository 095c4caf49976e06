"""Make the bundle that Claude Desktop installs (MCPB): the packages, the manifest, and the pinned versions.

`python bundle/make.py [OUT.mcpb]` writes it, by default into dist/. The host runs it with uv, which installs from the
pyproject.toml in it. Format: https://github.com/modelcontextprotocol/mcpb, manifest 0.4; a bundle is a ZIP archive.
"""

from __future__ import annotations

import json
import re
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
MANIFEST = ROOT / "bundle" / "manifest.json"
FILES = ("README.md", "LICENSE")
FOLDERS = ("server", "tools", "agents")
LEFT_OUT = re.compile(r"^(?:vllm|dev) = \[.*?\]\n", re.MULTILINE | re.DOTALL)
ENVIRONMENTS = """environments = ["sys_platform == 'linux'", "sys_platform == 'darwin'"]"""


def make(out: Path) -> int:
    """Write the bundle and return how many files it has."""
    out.parent.mkdir(parents=True, exist_ok=True)
    packed = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if _is_wanted(path))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.write(MANIFEST, MANIFEST.name)
        bundle.writestr("pyproject.toml", pinned())
        for path in (*(ROOT / name for name in FILES), *packed):
            bundle.write(path, path.relative_to(ROOT))
        return len(bundle.namelist())


def pinned() -> str:
    """Return pyproject.toml for uv, which keeps to the versions of constraints.txt.

    uv resolves all extras together, for all systems: what the server does without, and other systems, are left out.
    """
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [f"  {json.dumps(line)}," for line in lines if line and not line.startswith("#")]
    project = LEFT_OUT.sub("", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return "\n".join([project, "[tool.uv]", ENVIRONMENTS, "constraint-dependencies = [", *pins, "]", ""])


def _is_wanted(path: Path) -> bool:
    return path.is_file() and "__pycache__" not in path.parts


if __name__ == "__main__":
    version = json.loads(MANIFEST.read_text(encoding="utf-8"))["version"]
    place = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist" / f"classwright-{version}.mcpb"
    print(f"{place}: {make(place)} files")  # noqa: T201  # what the program is for
