"""The runner without transactions: nothing is lost, and what is sent twice is known by its id."""

from typing import Any, Final

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import CommitFailedError

from lemof_stream.model.predictor import Predictor
from tests.messages import send
from tests.streams import Ward, differences, last_finals, published, repeated
from tests.waiting import wait_until_async
from tests.workers import running, settings, settled

WARD: Final = Ward([f"bed-{number}" for number in range(8)], hours=6)


async def test_a_run_without_a_crash_is_complete_and_balanced(topics: str, predictor: Predictor) -> None:
    await send(topics, [*WARD.features(), *WARD.vitals()])
    async with running(settings(topics, guarantee="at_least_once"), predictor):
        balance = await settled(topics, len(WARD.windows()))
        await _every_final(topics, predictor)
    assert balance.balanced, balance.problems
    assert repeated(await published(topics)) == []


async def test_what_was_sent_and_not_committed_is_sent_again_with_the_same_ids_and_values(
    topics: str, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, failures = AIOKafkaConsumer.commit, 0

    async def fails_at_first(self: Any, offsets: Any = None) -> None:
        nonlocal failures
        if failures < 2:
            failures += 1
            raise CommitFailedError
        await commit(self, offsets)

    monkeypatch.setattr(AIOKafkaConsumer, "commit", fails_at_first)
    await send(topics, [*WARD.features(), *WARD.vitals()])
    async with running(settings(topics, guarantee="at_least_once"), predictor):
        await settled(topics, len(WARD.windows()))
        await _every_final(topics, predictor)
    predictions = await published(topics)
    assert repeated(predictions)
    said: dict[str, dict[str, float]] = {}
    for prediction in predictions:
        assert said.setdefault(prediction.prediction_id, prediction.predictions) == pytest.approx(
            prediction.predictions, abs=1e-5
        )


async def _every_final(topics: str, predictor: Predictor) -> None:
    expected = WARD.finals(predictor)

    async def complete() -> bool:
        return len(last_finals(await published(topics))) >= len(expected)

    await wait_until_async(complete, 30, "every final")
    assert differences(last_finals(await published(topics)), expected) == []
