"""The generated pages of the reference say what the code says now."""

from __future__ import annotations

import runpy

from support.paths import ROOT


def test_the_pages_of_the_reference_are_as_the_code_is() -> None:
    generated = runpy.run_path(str(ROOT / "docs" / "generate"))

    for name, page in generated["PAGES"].items():
        assert (generated["FOLDER"] / name).read_text(encoding="utf-8") == page(), f"{name}: make docs renews it"
        assert "---|\n\n" not in page(), f"{name}: a table is empty"
