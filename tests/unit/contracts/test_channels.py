import re
from typing import Final

import pytest

from lemof_stream.contracts.channels import CHANNELS, Channel

UNITS: Final = {
    "/min", "mm[Hg]", "Cel", "%", "{score}", "mL", "kg", "1", "{0,1}", "[pH]", "mmol/L", "10*3/uL", "mg/dL", "U/L",
    "g/dL", "ng/mL", "mg/L", "pg", "fL", "s", "{INR}",
}  # fmt: skip
"""UCUM's spelling of what is measured at a bedside."""


def check_digit(number: str) -> int:
    """LOINC's check digit (mod 10): every other digit counts twice, from the last on."""
    doubled = [int(digit) * (2 if i % 2 == 0 else 1) for i, digit in enumerate(reversed(number))]
    return -sum(digit // 10 + digit % 10 for digit in doubled) % 10


def test_the_check_digit_is_that_of_loincs_own_example() -> None:
    assert check_digit("12345") == 5


@pytest.mark.parametrize("channel", CHANNELS.values(), ids=CHANNELS)
def test_a_channel_has_a_code_a_unit_and_ranges_inside_each_other(channel: Channel) -> None:
    if channel.name == "mech_vent":
        assert not channel.loinc
    else:
        assert re.fullmatch(r"\d{3,7}-\d", channel.loinc)
        number, digit = channel.loinc.split("-")
        assert int(digit) == check_digit(number)
    assert channel.unit in UNITS
    assert channel.possible.low <= channel.plausible.low < channel.plausible.high <= channel.possible.high


def test_no_two_channels_share_a_code() -> None:
    codes = [channel.loinc for channel in CHANNELS.values() if channel.loinc]

    assert len(set(codes)) == len(codes)
