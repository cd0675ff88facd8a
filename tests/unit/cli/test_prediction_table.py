import pytest

from lemof_stream.cli.prediction_table import PredictionTable
from lemof_stream.client.stream import Received
from tests.predictions import prediction


def received(*hours: int) -> list[Received]:
    return [Received(item, item.to_bytes()) for item in (prediction(step=hour) for hour in hours)]


def test_batches_stand_under_one_heading(capsys: pytest.CaptureFixture[str]) -> None:
    table = PredictionTable()
    table.show(received(1, 2))
    table.show(received(3))

    heading, *rows = capsys.readouterr().out.splitlines()

    assert heading.split() == [
        "stay",
        "ward",
        "hour",
        "kind",
        "rev",
        "risk",
        ">",
        "3",
        "d",
        ">",
        "7",
        "d",
        "stay",
        "(80%)",
        "vitals",
        "as",
        "of",
        "(UTC)",
    ]
    assert [row.split()[2] for row in rows] == ["1", "2", "3"]
    assert {row.index("provisional") for row in rows} == {heading.index("kind")}
    assert "8.0 d (3.0 to 15.0)" in rows[0]
    assert "2026-01-05 08:59" in rows[0]


def test_a_withheld_prediction_has_a_row_without_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    item = prediction(kind="withheld", predictions={})
    PredictionTable().show([Received(item, item.to_bytes())])

    assert capsys.readouterr().out.splitlines()[1].split() == [
        "stay-1",
        "A",
        "1",
        "withheld",
        "1",
        "60%",
        "2026-01-05",
        "08:59",
    ]


@pytest.mark.parametrize(
    ("predictions", "shown"),
    [
        ({"p_sepsis": 0.12}, "12%"),
        (
            {"remaining_hours": 30.0, "remaining_hours_lo": 8.0, "remaining_hours_hi": 90.0},
            "30.0 h (8.0 to 90.0)",
        ),
    ],
)
def test_predictions_of_other_models_have_their_place(
    capsys: pytest.CaptureFixture[str], predictions: dict[str, float], shown: str
) -> None:
    item = prediction(predictions=predictions)
    PredictionTable().show([Received(item, item.to_bytes())])
    assert shown in capsys.readouterr().out.splitlines()[1]


@pytest.mark.parametrize(
    ("ward", "shown"), [("ICU [/2]", "ICU [/2]"), ("[red]ICU", "[red]ICU"), ("A\x1b[2JB", "A\\x1b[2JB")]
)
def test_a_ward_is_shown_as_it_is_written_and_steers_no_terminal(
    capsys: pytest.CaptureFixture[str], ward: str, shown: str
) -> None:
    item = prediction(ward=ward, kind="final")
    PredictionTable().show([Received(item, item.to_bytes())])

    told = capsys.readouterr().out
    assert shown in told
    assert "\x1b" not in told
