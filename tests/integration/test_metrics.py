"""What a runner's metrics say, beside the audit and the topics."""

import time
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
from aiokafka.errors import ProducerFenced

from lemof_stream.contracts.topics import EHR_FEATURES, VITALS, partition_of
from lemof_stream.model.predictor import Predictor
from lemof_stream.worker import observer, process
from lemof_stream.worker.transaction import commit
from tests.messages import Outgoing, send
from tests.programs import lemof, run_lemof
from tests.scrapes import Scrape, health, scrape
from tests.streams import Ward, at, events, published, sent, window
from tests.topics import PARTITIONS
from tests.waiting import wait_until_async
from tests.workers import letters, running, settings, settled

WARD: Final = Ward([f"bed-{number}" for number in range(12)], hours=3)
NONE_LEFT: Final = {VITALS: 0.0, EHR_FEATURES: 0.0}


async def scraped(runner: process.RunnerProcess, predicted: int) -> Scrape:
    """A scrape, once so many windows were predicted and nothing waits any more."""

    async def told() -> Scrape | None:
        if runner.observer.address is None:
            return None
        found = await scrape(runner.observer.address)
        done = found.value("lemof_windows_total", outcome="predicted") >= predicted
        return found if done and found.by("lemof_consumer_lag_records", "topic") == NONE_LEFT else None

    found = await wait_until_async(told, 30, f"{predicted} predicted windows in the metrics")
    assert found is not None
    return found


async def test_metrics_equal_the_audit_and_what_lies_on_the_topics(topics: str, predictor: Predictor) -> None:
    now, long_ago = sent(window("bed", 60 * 60)), sent(window("bed", 30))
    broken = [Outgoing(VITALS, "bed", b"no json", b"bed"), Outgoing(EHR_FEATURES, "bed", b"}", b"bed|stay")]
    await send(topics, [*WARD.features(), *WARD.vitals(), now, now, long_ago, *broken])
    async with running(settings(topics, metrics_port=0), predictor) as runner:
        balance = await settled(topics, len(WARD.windows()) + 4)
        found = await scraped(runner, balance.predicted)
    assert balance.balanced, balance.problems
    outcomes = {name: getattr(balance, name) for name in ("predicted", "duplicate", "late", "rejected")}
    assert min(outcomes.values()) > 0
    assert found.by("lemof_windows_total", "outcome") == outcomes
    kinds = Counter(prediction.kind for prediction in await published(topics))
    assert kinds.keys() == {"provisional", "final"}
    assert found.by("lemof_predictions_total", "kind") == {"stale": 0, "withheld": 0} | kinds
    reasons = Counter(letter.reason for letter in await letters(topics))
    assert found.by("lemof_dead_letters_total", "reason") == reasons
    assert reasons == {"late": 1, "unreadable": 2}
    stays = Counter(str(partition_of(stay, PARTITIONS)) for stay in [*WARD.stays, "bed"])
    assert found.by("lemof_stays", "partition") == stays


async def test_metrics_tell_how_large_cycles_are_and_where_their_time_goes(
    topics: str, predictor: Predictor
) -> None:
    records = [*WARD.features(), *WARD.vitals()]
    began = time.monotonic()
    await send(topics, records)
    async with running(settings(topics, metrics_port=0, cycle_max=50), predictor) as runner:
        await settled(topics, len(WARD.windows()))
        found = await scraped(runner, len(WARD.windows()))
        seconds = time.monotonic() - began
    # Watermarks are no inputs: they change nothing that is published.
    assert found.value("lemof_cycle_inputs_sum") == len(records) - PARTITIONS
    cycles = found.value("lemof_cycle_inputs_count")
    assert cycles >= len(records) / 50
    assert found.value("lemof_cycle_inputs_bucket", le="50.0") == cycles
    stages = found.by("lemof_stage_seconds_sum", "stage")
    assert stages.keys() == {"fetch", "read", "compute", "wait", "commit"}
    assert min(stages.values()) > 0
    assert sum(stages.values()) < 2 * seconds, "at most two cycles overlap"
    assert set(found.by("lemof_stage_seconds_count", "stage").values()) == {cycles}
    results = found.by("lemof_transactions_total", "result")
    assert results["failed"] == 0
    assert cycles <= results["committed"] <= PARTITIONS * cycles
    assert found.value("lemof_state_bytes") > 100_000 * len(WARD.stays)  # a stay takes some 0.2 MB


async def test_a_watermark_s_age_is_what_has_passed_since_the_event_time_that_its_feed_has_reached(
    topics: str, predictor: Predictor
) -> None:
    await send(topics, [*WARD.features(), *WARD.vitals()])
    async with running(settings(topics, metrics_port=0), predictor) as runner:
        await settled(topics, len(WARD.windows()))
        found = await scraped(runner, len(WARD.windows()))
    now = time.time()
    windows_of = {
        str(partition_of(item.stay_id, PARTITIONS)): item.end.timestamp() for item in WARD.windows()
    }
    for partition, end in windows_of.items():
        age = found.value("lemof_watermark_age_seconds", feed="vitals", partition=partition)
        assert age == pytest.approx(now - end, abs=30)
        age = found.value("lemof_watermark_age_seconds", feed="ehr", partition=partition)
        assert age == pytest.approx(now - at(60 * WARD.hours).timestamp(), abs=30)


async def test_lag_is_what_waits_for_the_ehr_feed_and_goes_when_that_has_come(
    topics: str, predictor: Predictor
) -> None:
    first, *others = (sent(window("bed", minute)) for minute in (10, 20, 30))
    patient = settings(topics, metrics_port=0, idle_ms=600_000)
    async with running(patient, predictor) as runner:
        await send(topics, [first, *others])

        async def fetched() -> bool:
            return any(lane.held(VITALS) == 3 for lane in runner._lanes.values())

        await wait_until_async(fetched, 30, "3 windows that wait in memory")
        found = await scrape(runner.observer.address)
        assert found.by("lemof_consumer_lag_records", "topic")[VITALS] == 3
        await send(topics, WARD.features())
        found = await scraped(runner, 3)
    assert found.by("lemof_consumer_lag_records", "partition").keys() == {str(p) for p in range(PARTITIONS)}


async def test_markers_of_a_transactional_gateway_are_no_lag(topics: str, predictor: Predictor) -> None:
    for minute in (10, 20):
        await send(topics, [sent(window("bed", minute))], transactional_id="gateway")
    async with running(settings(topics, metrics_port=0), predictor) as runner:
        await scraped(runner, 2)  # waits until there is none


async def test_a_partition_s_series_go_with_it_to_another_runner(topics: str, predictor: Predictor) -> None:
    await send(topics, WARD.vitals())
    to = settings(topics, metrics_port=0)
    async with running(to, predictor) as one:
        await scraped(one, len(WARD.windows()))
        async with running(to, predictor) as two:

            async def shared() -> bool:
                stays = [
                    (await scrape(of.observer.address)).by("lemof_stays", "partition") for of in (one, two)
                ]
                everywhere = Counter(partition for found in stays for partition in found)
                return all(stays) and everywhere == Counter(map(str, range(PARTITIONS)))

            await wait_until_async(shared, 60, "each partition in the metrics of one of two runners")


async def test_no_identifiers_leak_into_metrics(topics: str, predictor: Predictor) -> None:
    named = "Jane-Roe-Zowie"
    refused = window(named, 31, heart_rate=9e9)
    await send(
        topics, [sent(window(named, 30)), sent(refused), Outgoing(VITALS, named, b"{}", named.encode())]
    )
    async with running(settings(topics, metrics_port=0), predictor) as runner:
        await settled(topics, 3)
        found = await scraped(runner, 1)
    assert found.by("lemof_dead_letters_total", "reason") == {"implausible": 1, "unreadable": 1}
    for identifier in (named, "Zowie", "Roe", window(named, 30).ward, window(named, 30).device):
        assert identifier not in found.text
    known = {"predicted", "duplicate", "late", "rejected", "provisional", "final", "stale", "withheld"}
    known |= {
        "implausible",
        "unreadable",
        "committed",
        "failed",
        "fetch",
        "read",
        "compute",
        "wait",
        "commit",
    }
    known |= {"taken", "refused", *predictor.info.model_dump().values()}
    known |= {"ehr", "vitals", VITALS, EHR_FEATURES} | {str(partition) for partition in range(PARTITIONS)}
    assert found.labels() <= known


async def test_a_transaction_that_fails_is_counted_and_its_windows_once(
    topics: str, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [ProducerFenced()]

    async def fails_once(work: Any, group: str) -> None:
        if failures:
            raise failures.pop()
        await commit(work, group)

    monkeypatch.setattr(process, "commit", fails_once)
    await send(topics, WARD.vitals())
    async with running(settings(topics, metrics_port=0), predictor) as runner:
        await settled(topics, len(WARD.windows()))
        found = await scraped(runner, len(WARD.windows()))
    assert found.value("lemof_transactions_total", result="failed") == 1
    assert found.value("lemof_windows_total", outcome="predicted") == len(WARD.windows())


async def test_liveness_watches_progress_an_idle_runner_is_well_and_one_that_leaves_windows_is_not(
    topics: str, predictor: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observer, "_STANDSTILL_S", 3.0)
    monkeypatch.setattr(observer, "LONGEST_WAIT", 0)
    async with running(settings(topics, metrics_port=0), predictor) as runner:
        await send(topics, [sent(window("bed", 10))])
        await scraped(runner, 1)
        moved = runner.observer._moved_at

        async def later() -> bool:
            return time.monotonic() > moved + 2 * 3.0

        await wait_until_async(later, 30, "twice the patience")
        assert await health(runner.observer.address) == 200, "nothing waits"

        monkeypatch.setattr(process, "run_cycle", lambda *_: [])  # as a fault of ours might
        await send(topics, [sent(window("bed", 20))])

        async def told() -> bool:
            return await health(runner.observer.address) == 503

        await wait_until_async(told, 30, "the probe's complaint")


async def test_lemof_run_serves_metrics_where_it_is_told_to(
    topics: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEMOF_METRICS_PORT", "0")
    with lemof(tmp_path / "run.log", "run", "--brokers", topics) as runner:
        runner.wait_for("metrics are served")
        runner.wait_for("partition opened")
        [served] = [one for one in events(runner.log.read_text()) if one["event"] == "metrics are served"]
        address = served["address"].removesuffix("/metrics")
        assert address.startswith("http://127.0.0.1:")
        assert (await scrape(address)).value("lemof_windows_total", outcome="predicted") == 0
        assert await health(address) == 200
        taken = address.rpartition(":")[2]
        monkeypatch.setenv("LEMOF_METRICS_PORT", taken)
        second = run_lemof("run", "--brokers", topics)
        assert (second.returncode, second.stdout) == (2, "")
        assert f"127.0.0.1:{taken}" in second.stderr.splitlines()[-1]
        assert runner.stop() == 0


async def test_metrics_are_off_unless_a_port_is_set(topics: str, predictor: Predictor) -> None:
    async with running(settings(topics), predictor) as runner:
        await send(topics, [sent(window("bed", 10))])
        await settled(topics, 1)
        assert runner.observer.address is None
