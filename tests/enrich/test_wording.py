"""Every reason that can be given for a figure is told in words."""

from __future__ import annotations

import pytest

from streams.enrich.figure_weights import WEIGHTS
from streams.enrich.wording import REASONS


@pytest.mark.parametrize("rule", WEIGHTS)
def test_every_rule_is_told_in_words(rule: str) -> None:
    assert rule in REASONS, "an editor would read the bare name of the rule"
