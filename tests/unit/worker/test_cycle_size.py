"""How much a cycle takes follows the backlog and what a record costs."""

from lemof_stream.worker.cycle_size import CycleSize


def test_full_quick_cycles_let_the_next_take_twice_as_many_up_to_the_most() -> None:
    size = CycleSize(5_000)
    assert size.limit == 2_000
    size.took(2_000, 0.1)
    assert size.limit == 4_000
    size.took(4_000, 0.2)
    assert size.limit == 5_000


def test_a_cycle_that_leaves_nothing_behind_changes_nothing() -> None:
    size = CycleSize(40_000)
    size.took(1_999, 0.1)
    assert size.limit == 2_000


def test_long_cycles_let_the_next_take_half_as_many_down_to_a_least() -> None:
    size = CycleSize(40_000)
    for _ in range(10):
        size.took(size.limit, 10.0)
    assert size.limit == 250


def test_the_most_goes_before_the_least() -> None:
    size = CycleSize(32)
    size.took(32, 10.0)
    assert size.limit == 32
