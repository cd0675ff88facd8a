"""What a ward has to make of the sendings of a scenario: counts of windows, dead letters, and final predictions.

The predictions are those of the runner alone, without Kafka, that takes every usable message once and in order.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import BaseModel

from lemof_stream.contracts.ehr import HourRecord, Observations, StayRecord
from lemof_stream.contracts.topics import VITALS
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.model.predictor import Predictor
from lemof_stream.runner.cycle import EhrInput, Input, WindowInput
from lemof_stream.runner.runner import Runner
from lemof_stream.worker.ehr_fold import fold_hour, fold_stay, hour_key, hour_of, stay_key
from simulators.faults.scenario import REFUSED_FROM_MIN
from simulators.faults.sending import Broken, Sending
from simulators.timeline import StayMessage

Finals = dict[tuple[str, int], dict[str, float]]
"""The last final prediction of every stay and step."""

_ANY_PARTITION = 0  # the runner alone has one


class Counts(BaseModel):
    """Windows by what became of them."""

    received: int = 0
    predicted: int = 0
    duplicate: int = 0
    late: int = 0
    rejected: int = 0


@dataclass
class Accounts:
    """What has to become of each sending. `usable`: each message that counts, once."""

    counts: Counts = field(default_factory=Counts)
    letters: Counter[str] = field(default_factory=Counter)
    """Dead letters by reason."""
    usable: list[StayMessage] = field(default_factory=list)


def account(sendings: Iterable[Sending], origin: datetime) -> Accounts:
    """Tell what has to become of sendings to a ward that opened at `origin`."""
    accounts, known = Accounts(), set[str]()
    counts = accounts.counts
    for _, _, message in sendings:
        counts.received += _is_window(message)
        if (reason := _refusal(message, origin)) is not None:
            counts.rejected += _is_window(message)
            accounts.letters[reason] += 1
        elif not isinstance(message, Broken):
            name = message.window_id if isinstance(message, VitalWindow) else message.event_id
            new = name not in known
            known.add(name)
            if new:
                accounts.usable.append(message)
            counts.predicted += _is_window(message) and new
            counts.duplicate += _is_window(message) and not new
    return accounts


def finals(messages: Sequence[StayMessage], predictor: Predictor, end: datetime) -> Finals:
    """Final predictions of a ward that took these messages in and whose time came to `end`."""
    runner = Runner(predictor)
    published = runner.cycle(list(_inputs(sorted(messages, key=_event_time)))).predictions
    closed = runner.advance(_ANY_PARTITION, end).predictions
    predictions = [*(prediction for _, prediction in published), *closed]
    return {(p.stay_id, p.step): p.predictions for p in predictions if p.kind == "final"}


def _is_window(message: StayMessage | Broken) -> bool:
    return message.raw.topic == VITALS if isinstance(message, Broken) else isinstance(message, VitalWindow)


def _refusal(message: StayMessage | Broken, origin: datetime) -> str | None:
    """Why the message has to go to the dead letters; None where it must not."""
    if isinstance(message, Broken):
        return message.reason
    if isinstance(message, VitalWindow):
        if message.end < message.admitted_at:
            return "unreadable"  # the contract refuses a window from before the admission
        if message.end >= origin + timedelta(minutes=REFUSED_FROM_MIN):
            return "future"
    return None


def _inputs(messages: Iterable[StayMessage]) -> Iterator[Input]:
    """Messages as the runner gets them: EHR events folded into records, as the EHR app does."""
    stays: dict[bytes, StayRecord] = {}
    hours: dict[bytes, HourRecord] = {}
    for message in messages:
        if isinstance(message, VitalWindow):
            yield WindowInput(_ANY_PARTITION, message)
        elif isinstance(message, Observations):
            key = hour_key(message.stay_id, hour_of(message.event_time, message.admitted_at))
            if (hour := fold_hour(hours.get(key), message)) is not None:
                hours[key] = hour
                yield EhrInput(_ANY_PARTITION, hour)
        else:
            key = stay_key(message.stay_id)
            if (stay := fold_stay(stays.get(key), message)) is not None:
                stays[key] = stay
                yield EhrInput(_ANY_PARTITION, stay)


def _event_time(message: StayMessage) -> datetime:
    return message.end if isinstance(message, VitalWindow) else message.event_time
