"""The rivals do the engine's job: what they compute again from all windows is what it keeps up to date."""

import pytest

from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import WindowInput
from lemof_stream.runner.runner import Runner
from lemof_stream.worker.bench.beds import CHANNELS, Beds
from lemof_stream.worker.bench.recompute import Kept, Recompute, parse


@pytest.mark.parametrize("bed", [0, 59])
def test_a_rival_predicts_what_the_engine_does(predictor: Predictor, bed: int) -> None:
    runner, rival = Runner(predictor), Recompute(predictor)
    kept: Kept = []
    beds = Beds(bed + 1, 4)
    for _ in range(130):  # minutes: two steps close meanwhile, and the first leaves the window
        [sent] = beds.windows(1, bed)
        window = parse(sent.record.value)
        [*_, (_, own)] = runner.cycle([WindowInput(0, VitalWindow.from_bytes(sent.record.value))]).predictions
        found = rival.take(window, kept)
        assert (own.stay_id, own.step, own.event_time.timestamp()) == (
            found["stay_id"],
            found["step"],
            sent.event_time,
        )
    assert own.predictions == pytest.approx(found["predictions"], abs=1e-5)


def test_every_channel_that_a_bed_sends_is_read(predictor: Predictor) -> None:
    assert len(CHANNELS) == 8
    assert CHANNELS.keys() <= set(predictor.schema.vitals)
