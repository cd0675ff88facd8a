"""Where in its timeline a playing is."""

from math import inf

from simulators.tempo import Tempo


def test_all_is_due_where_there_is_no_speed() -> None:
    tempo = Tempo(None)
    assert (tempo.now_s(), tempo.wait_s(1e9)) == (inf, 0.0)


def test_time_runs_at_its_speed_from_where_it_goes_on() -> None:
    tempo = Tempo(2.0)
    tempo.go_on_from(1e6)
    assert tempo.now_s() >= 1e6
    assert 0 < tempo.wait_s(2e6) <= 5e5
    assert tempo.wait_s(1e6) == 0.0


def test_time_stands_while_paused_and_what_lies_before_is_due() -> None:
    tempo = Tempo(1.0)
    tempo.go_on_from(50.0)
    tempo.paused = True
    assert tempo.now_s() == 50.0
    assert (tempo.wait_s(50.0), tempo.wait_s(50.5)) == (0.0, inf)
