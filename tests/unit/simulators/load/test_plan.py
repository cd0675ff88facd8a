"""Schedules: settled before, the same for the same seed, and shared out over processes without loss."""

import numpy as np
import pytest

from simulators.load.plan import PROFILES, Plan, Profile, Schedule, profile_of, schedule

BEDS, SECONDS, EVERY_S = 400, 40.0, 2.0


def plan(profile: Profile, seed: int = 0) -> Plan:
    return Plan(profile=profile, beds=BEDS, seconds=SECONDS, every_s=EVERY_S, seed=seed)


def per_second(due: Schedule) -> np.ndarray:
    return np.bincount(due.due_s.astype(int), minlength=int(SECONDS))


@pytest.mark.parametrize("name", PROFILES)
def test_every_profile_is_in_order_within_the_run_and_never_repeats_an_event_time(name: str) -> None:
    due = schedule(plan(profile_of(name)))

    assert (np.diff(due.due_s) >= 0).all()
    assert due.due_s[0] >= 0
    assert due.due_s[-1] < SECONDS
    assert (due.end_ms <= due.due_s * 1000 + 1e-6).all(), "no window is sent before it was measured"
    for bed in range(0, BEDS, 50):
        assert (np.diff(due.end_ms[due.bed == bed]) > 0).all()


@pytest.mark.parametrize("name", PROFILES)
def test_shares_of_processes_make_up_the_whole(name: str) -> None:
    whole = schedule(plan(profile_of(name)))
    shares = [schedule(plan(profile_of(name)), share, 3) for share in range(3)]

    def windows(due: Schedule) -> set[tuple[int, int, float]]:
        return set(zip(due.bed.tolist(), due.end_ms.tolist(), due.due_s.tolist(), strict=True))

    assert sum(map(len, shares)) == len(whole)
    assert set().union(*map(windows, shares)) == windows(whole)


def test_the_same_seed_gives_the_same_schedule_and_another_seed_another() -> None:
    first, again, other = (schedule(plan("steady", seed)) for seed in (1, 1, 2))
    assert (first.due_s == again.due_s).all()
    assert (first.due_s != other.due_s).any()


def test_a_steady_load_has_each_bed_once_an_interval() -> None:
    due = schedule(plan("steady"))
    assert len(due) == BEDS * SECONDS / EVERY_S
    assert np.ptp(per_second(due)[::2]) == 0, "the same beds are due every other second"


def test_a_ramp_goes_up_to_all_beds() -> None:
    rate = per_second(schedule(plan("ramp")))
    assert rate[:4].sum() < 0.2 * rate[-4:].sum()
    assert rate[-4:].sum() == pytest.approx(4 * BEDS / EVERY_S, rel=0.1)


def test_bursts_are_multiples_of_the_base_rate_for_a_few_seconds() -> None:
    rate = per_second(schedule(plan("burst"))) / (BEDS / EVERY_S)
    assert rate.max() == pytest.approx(4, rel=0.15)
    assert np.median(rate) == pytest.approx(1, rel=0.15)


def test_a_day_has_its_peak_at_noon_and_its_trough_at_midnight() -> None:
    rate = per_second(schedule(plan("diurnal"))) / (BEDS / EVERY_S)
    assert rate[19:21].mean() == pytest.approx(1.6, rel=0.1)
    assert rate[[0, -1]].mean() == pytest.approx(0.4, rel=0.2)
    assert rate.mean() == pytest.approx(1, rel=0.02)


def test_in_a_storm_all_beds_are_cut_off_and_come_back_at_once_with_what_they_held() -> None:
    due, steady = schedule(plan("storm")), schedule(plan("steady"))
    rate = per_second(due)
    assert (rate[10:20] == 0).all(), "nobody is heard of for a quarter of the run"
    assert rate[20] > 10 * BEDS / EVERY_S
    assert sorted(due.end_ms.tolist()) == sorted(steady.end_ms.tolist()), "nothing is lost"
    held_back = due.due_s * 1000 - due.end_ms > 1
    assert held_back.sum() >= 10 * BEDS / EVERY_S
