import json
import logging
import subprocess
import sys

from pydantic import SecretStr

from lemof_stream.telemetry.logs import Repeats
from lemof_stream.telemetry.pseudonyms import pseudonym, use_key

SPEAK = """
import logging
from lemof_stream.settings import Settings
from lemof_stream.telemetry import configure_logs, get_logger, pseudonym

configure_logs(Settings())
get_logger("here").warning("dead letter", stay=pseudonym("stay-Zowie"), reason="late")
logging.getLogger("aiokafka.consumer").warning("Fetch of %s failed", "topic")
try:
    raise ValueError("stay-Zowie is not a number")
except ValueError:
    get_logger("here").exception("it broke")
"""

REFUSE = """
from lemof_stream.contracts.ehr import read_ehr_event
from lemof_stream.contracts.vitals import VitalWindow
from lemof_stream.errors import MessageError
from lemof_stream.settings import Settings
from lemof_stream.telemetry import configure_logs, get_logger

configure_logs(Settings())
for read, message in (
    (VitalWindow.from_bytes, b'{"Jane Roe Zowie": 1}'),
    (VitalWindow.from_bytes, b'{"Jane Roe Zowie'),
    (VitalWindow.from_bytes, b'{"window_id": "w", "stay_id": "s", "ward": "A", "device": "d", "admitted_at": '
     b'"2026-01-05T08:00:00Z", "start": "2026-01-05T08:00:00Z", "end": "2026-01-05T08:00:00Z", '
     b'"channels": {"Jane Roe Zowie": "x"}}'),
    (read_ehr_event, b'{"kind": "Jane Roe Zowie"}'),
):
    try:
        read(message)
    except MessageError as error:
        get_logger("here").warning("dead letter", reason=error.reason, detail=str(error))
"""


def spoken(program: str = SPEAK) -> list[dict[str, object]]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_logs_are_json_with_a_level_those_of_libraries_too() -> None:
    own, foreign, _ = spoken()
    assert (own["event"], own["level"], own["reason"]) == ("dead letter", "warning", "late")
    assert (foreign["event"], foreign["level"]) == ("Fetch of topic failed", "warning")


def test_no_identifiers_leak_into_logs_not_even_by_an_error_text() -> None:
    lines = spoken()
    assert "Zowie" not in json.dumps(lines)
    assert lines[-1]["error"] == "ValueError"


def test_no_identifiers_leak_by_what_a_message_calls_its_fields_channels_or_kind() -> None:
    lines = spoken(REFUSE)
    assert [line["reason"] for line in lines] == ["unreadable"] * 4
    assert "Zowie" not in json.dumps(lines)
    assert "Roe" not in json.dumps(lines)


def test_a_pseudonym_is_the_same_under_one_key_and_another_under_another() -> None:
    use_key(SecretStr("one"))
    first = pseudonym("stay-Zowie")
    assert pseudonym("stay-Zowie") == first != pseudonym("stay-Zora")
    use_key(SecretStr("two"))
    assert pseudonym("stay-Zowie") != first
    use_key(SecretStr("one"))
    assert pseudonym("stay-Zowie") == first


def test_without_a_key_two_processes_name_a_stay_differently() -> None:
    use_key(None)
    first = pseudonym("stay-Zowie")
    use_key(None)
    assert pseudonym("stay-Zowie") != first


def test_the_same_complaint_of_the_kafka_client_is_let_through_once_in_ten_seconds() -> None:
    passes = Repeats().filter

    def complaint(name: str, line: int, second: float) -> logging.LogRecord:
        record = logging.LogRecord(name, logging.WARNING, "client.py", line, "away", (), None)
        record.created = second
        return record

    assert passes(complaint("aiokafka.client", 1, 100.0))
    assert not passes(complaint("aiokafka.client", 1, 105.0))
    assert passes(complaint("aiokafka.client", 2, 105.0)), "another complaint"
    assert passes(complaint("aiokafka.client", 1, 111.0))
    assert passes(complaint("lemof_stream", 1, 100.0))
    assert passes(complaint("lemof_stream", 1, 100.0)), "our own lines are never withheld"
