"""Whatever comes from outside raises nothing; `make fuzz` looks for hours, this for seconds."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_nothing_from_outside_raises(name, data):
    target = TARGETS[name]
    target.take(data.draw(target.inputs))
