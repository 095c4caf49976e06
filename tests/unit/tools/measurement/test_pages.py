"""Pages: figures in words, and names that break where a line ends."""

from __future__ import annotations

from classwright_tools.domain.figures import Estimate
from classwright_tools.measurement.pages import breakable, estimate, percent


def test_figures_read_as_percent_with_their_interval() -> None:
    found = Estimate(value=0.8642, low=0.83, high=0.892)

    assert percent(found.value) == "86.4%"
    assert estimate(found) == "86.4% (83.0 to 89.2)"


def test_a_label_may_break_at_its_underscores_and_stays_escaped() -> None:
    assert str(breakable("<b>_up")) == "&lt;b&gt;_<wbr>up"
