"""benchmarks/apps.py says what it has timed."""

from array import array

import pytest


class Response:
    """Keeps its answer."""

    def end(self, value):
        self.answer = value


@pytest.mark.parametrize(
    ("times", "figure"),
    [([40, 50, 50, 60, 9000, -9000, 50, 54], 51), ([-3, -2, 0, 0], 1), ([7], 7), ([], 0)],
)
def test_the_time_of_a_call_is_the_mean_of_the_middle_half(script, times, figure):
    taken, response = {"header": array("q", times)}, Response()
    script("apps").results_of(taken)(response, None)
    assert response.answer == {"header": figure}
    assert not taken["header"]
