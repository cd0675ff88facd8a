"""Vital signs of signals whose rates are known: what is found, and what is rejected."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import lemof_stream.signals
from lemof_stream.contracts.channels import VITALS
from lemof_stream.errors import DataError
from lemof_stream.signals import VitalSigns, Waveforms, vital_signs, vital_windows
from lemof_stream.signals.waveforms import Floats
from tests.unit.signals.waves import RATE, ecg, noise, patient, pleth, resp, times


def only(waveforms: Waveforms) -> VitalSigns:
    (signs,) = vital_windows(waveforms)
    return signs


@pytest.mark.parametrize(("heart", "breath"), [(45, 8), (75, 16), (110, 24), (170, 36)])
def test_clean_signals_tell_both_rates(heart: float, breath: float) -> None:
    signs = only(patient(heart, breath))

    assert signs.heart_rate == pytest.approx(heart, abs=0.5)
    assert signs.resp_rate == pytest.approx(breath, abs=0.5)
    assert signs.quality > 0.9


def test_noise_costs_quality_before_it_costs_the_rates() -> None:
    clean = patient()
    assert clean.pleth is not None
    assert clean.resp is not None
    noisy = Waveforms(
        RATE,
        {lead: own + noise(0.1, seed=place) for place, (lead, own) in enumerate(clean.ecg.items())},
        clean.pleth + noise(0.05, seed=2),
        clean.resp + noise(0.5, seed=3),
    )
    signs = only(noisy)

    assert signs.heart_rate == pytest.approx(75, abs=1)
    assert signs.resp_rate == pytest.approx(16, abs=1)
    assert signs.quality < only(clean).quality


def test_noise_alone_has_no_rates() -> None:
    signs = only(Waveforms(RATE, {"II": noise(1, seed=1)}, noise(1, seed=2), noise(1, seed=3)))

    assert (signs.heart_rate, signs.resp_rate, signs.quality) == (None, None, 0)


@pytest.mark.parametrize("value", [0.0, 1.0, np.nan])
def test_a_flat_line_has_no_rates(value: float) -> None:
    flat = np.full(60 * RATE, value)
    signs = only(Waveforms(RATE, {"II": flat}, flat, flat))

    assert (signs.heart_rate, signs.resp_rate, signs.quality) == (None, None, 0)
    assert signs.channels() == {}


def test_clipped_signals_keep_their_rates() -> None:
    beats = times(75)
    signs = only(
        Waveforms(
            RATE,
            {"II": np.clip(ecg(beats), 0, 0.5)},
            np.clip(pleth(beats), 0.1, 0.6),
            resp(8).clip(-0.4, 0.4),
        )
    )

    assert signs.heart_rate == pytest.approx(75, abs=0.5)
    assert signs.resp_rate == pytest.approx(8, abs=0.5)


def with_gap(signal: Floats, start_s: float, end_s: float) -> Floats:
    """Without its samples of a stretch."""
    held = signal.copy()
    held[round(start_s * RATE) : round(end_s * RATE)] = np.nan
    return held


def gapped(waveforms: Waveforms, start_s: float, end_s: float) -> Waveforms:
    assert waveforms.pleth is not None
    assert waveforms.resp is not None
    return Waveforms(
        waveforms.rate,
        {lead: with_gap(own, start_s, end_s) for lead, own in waveforms.ecg.items()},
        with_gap(waveforms.pleth, start_s, end_s),
        with_gap(waveforms.resp, start_s, end_s),
    )


def test_a_gap_does_not_count_as_a_pause() -> None:
    signs = only(gapped(patient(), 20, 32))

    assert signs.heart_rate == pytest.approx(75, abs=0.5)
    assert signs.resp_rate == pytest.approx(16, abs=0.5)
    assert signs.quality < only(patient()).quality


def test_a_gap_of_most_of_the_window_leaves_nothing() -> None:
    signs = only(gapped(patient(), 10, 50))

    assert (signs.heart_rate, signs.resp_rate, signs.quality) == (None, None, 0)


def test_a_rest_that_is_shorter_than_a_window_is_left_out() -> None:
    assert vital_windows(patient(seconds=59)) == []
    assert [own.start_s for own in vital_windows(patient(seconds=150))] == [0, 60]


def test_an_artefact_of_movement_is_no_beat() -> None:
    lead = ecg(times(75))
    rows = slice(20 * RATE, 27 * RATE)
    lead[rows] += 5 * noise(1, seconds=7)
    signs = only(Waveforms(RATE, {"II": lead}))

    assert signs.heart_rate == pytest.approx(75, abs=1)


def test_the_ecg_wins_where_every_other_beat_has_no_pulse() -> None:
    beats = times(90)
    signs = only(Waveforms(RATE, {"II": ecg(beats)}, pleth(beats[::2]), resp(16)))

    assert signs.heart_rate == pytest.approx(90, abs=0.5)
    assert signs.quality < only(patient(90)).quality


def test_ectopic_beats_of_another_shape_count() -> None:
    beats = times(80)
    lead = ecg(beats[::2]) - ecg(beats[1::2], width_s=0.04)

    assert only(Waveforms(RATE, {"II": lead})).heart_rate == pytest.approx(80, abs=0.5)


def test_an_irregular_rhythm_has_the_rate_of_its_mean_interval() -> None:
    intervals = np.random.default_rng(0).uniform(0.4, 1.2, 90)
    beats = 0.3 + np.append(0, intervals.cumsum())
    beats = beats[beats < 60]

    found = only(Waveforms(RATE, {"II": ecg(beats)})).heart_rate

    assert found == pytest.approx(60 / float(np.diff(beats).mean()), abs=1)


def test_the_pulse_answers_where_there_is_no_lead() -> None:
    signs = only(replace(patient(), ecg={}))

    assert signs.heart_rate == pytest.approx(75, abs=0.5)


def test_beats_that_breathing_moves_answer_where_there_is_no_impedance() -> None:
    beats = times(75)
    lead = ecg(beats) * (1 + 0.2 * resp(15))

    signs = only(Waveforms(RATE, {"II": lead}))

    assert signs.resp_rate == pytest.approx(15, abs=0.7)


def test_breaths_on_which_the_counters_disagree_are_rejected() -> None:
    shoulders = resp(8) + 0.9 * resp(24)

    assert only(replace(patient(), resp=shoulders)).resp_rate is None


def test_nothing_sees_later_samples() -> None:
    long = patient(seconds=180)
    other = patient(150, 30, seconds=180)
    assert long.pleth is not None
    assert long.resp is not None
    assert other.pleth is not None
    assert other.resp is not None
    now = 120 * RATE
    changed = Waveforms(
        RATE,
        {lead: np.append(long.ecg[lead][:now], other.ecg[lead][now:]) for lead in long.ecg},
        np.append(long.pleth[:now], other.pleth[now:]),
        np.append(long.resp[:now], other.resp[now:]),
    )

    assert vital_windows(changed)[:2] == vital_windows(long)[:2]
    assert vital_windows(changed)[2] != vital_windows(long)[2]


def test_a_gateways_buffer_is_enough() -> None:
    whole = patient(seconds=180)

    buffered = vital_signs(whole.between(40, 120), 20)

    assert buffered.channels() == vital_windows(whole)[1].channels()
    assert set(buffered.channels()) <= set(VITALS)


SIGNAL = arrays(
    np.float64, st.just(60 * 20), elements=st.floats(-1e6, 1e6) | st.just(np.nan), fill=st.just(0.0)
)


@settings(deadline=None, max_examples=30)
@given(lead=SIGNAL, pulse=SIGNAL, chest=SIGNAL)
def test_whatever_comes_rates_are_possible_or_none(lead: Floats, pulse: Floats, chest: Floats) -> None:
    signs = only(Waveforms(20, {"II": lead}, pulse, chest))

    assert 0 <= signs.quality <= 1
    assert signs.heart_rate is None or 0 < signs.heart_rate <= 400
    assert signs.resp_rate is None or 0 < signs.resp_rate <= 150


def test_signals_of_different_lengths_are_refused() -> None:
    with pytest.raises(DataError, match="differ in length; pad the shorter"):
        Waveforms(RATE, {"II": np.zeros(10)}, np.zeros(11))


def test_signals_import_no_kafka_and_no_torch() -> None:
    assert all(hasattr(lemof_stream.signals, name) for name in lemof_stream.signals.__all__)
    code = "import sys, lemof_stream.signals; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"aiokafka", "faust", "torch"} & set(loaded)
