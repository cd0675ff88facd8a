"""The README's example does what the README says."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from lemof_stream.contracts.topics import PREDICTIONS
from tests.messages import Outgoing, send
from tests.predictions import prediction

_README = Path(__file__).parents[2] / "README.md"


async def test_the_example_of_subscribing_prints_what_the_readme_shows(
    topics: str, capsys: pytest.CaptureFixture[str]
) -> None:
    example, shown = re.findall(r"```(?:python)?\n(.*?)```", _section("Subscribe"), re.DOTALL)
    sent = prediction(kind="final", step=3)
    await send(topics, [Outgoing(PREDICTIONS, sent.stay_id, sent.to_bytes(), sent.key())])

    source = example.replace("127.0.0.1:9092", topics).replace("until_idle=5", "until_idle=2")
    code = compile(source, str(_README), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    running = eval(code, {})  # noqa: S307 - the README is ours
    assert inspect.isawaitable(running)
    await running

    form = re.compile(r"\S+, hour \d+, final: death \d+\.\d%, \d+\.\d days in hospital")
    printed = capsys.readouterr().out.splitlines()
    assert [bool(form.fullmatch(line)) for line in printed] == [True]
    assert all(form.fullmatch(line) for line in shown.splitlines())


def _section(title: str) -> str:
    return _README.read_text().split(f"## {title}\n")[1].split("\n## ")[0]
