"""A settings file that cannot be used is one sentence: what was wrong, where, what to do."""

from pathlib import Path

import pytest

from tests.programs import run_lemof


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read: No such file or directory; check --config."),
        (b"idle_ms = ", "is no TOML: Invalid value"),
        (b"\xff\xfe\x00", "is no TOML: 'utf-8' codec can't decode byte 0xff"),
        (b"idle_ms = 'long'", "The setting idle_ms does not fit: Input should be a valid integer"),
    ],
)
def test_a_settings_file_that_does_not_fit_is_told_in_one_sentence(
    tmp_path: Path, content: bytes | None, complaint: str
) -> None:
    file = tmp_path / "ours.toml"
    if content is not None:
        file.write_bytes(content)
    done = run_lemof("run", "--config", str(file))
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1, "one sentence"
