"""What is installed: every version is pinned for CI and the image, and the image's base is a version too."""

from __future__ import annotations

import re
import tomllib

from support.paths import ROOT


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_that_is_asked_for_is_pinned_to_one_version() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = {name: packages for name, packages in project["optional-dependencies"].items() if name != "vllm"}
    asked = [package for packages in (project["dependencies"], *extras.values()) for package in packages]
    names = {normal(re.split(r"[\[<>=~!;\s]", package)[0]) for package in asked} - {"classwright"}

    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+!-]+", pin) for pin in pins)
    assert names <= {normal(pin.partition("==")[0]) for pin in pins}


def test_the_image_is_made_of_named_versions_is_watched_and_holds_what_the_pins_say() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)

    assert bases
    assert all(re.fullmatch(r"python:\d+\.\d+\S*", base) for base in bases)
    assert "\nHEALTHCHECK " in dockerfile
    assert "--constraint constraints.txt" in dockerfile
