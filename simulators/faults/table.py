"""The report of a run for a terminal."""

from rich import box
from rich.console import Console
from rich.table import Table

from simulators.faults.report import Fault, Report


def show_report(report: Report) -> None:
    """Print what was injected, counted and expected, and the verdict."""
    console = Console()
    faults = Table("fault", "from minute", "met", box=box.SIMPLE, title="Injected", title_justify="left")
    for fault in report.faults:
        faults.add_row(fault.kind, f"{fault.start_min:g}", _met(fault))
    counts = Table(box=box.SIMPLE, title="Windows and dead letters", title_justify="left")
    for column in ("", "counted", "expected"):
        counts.add_column(column, justify="right" if column else "left")
    rows = (
        ("", report.counted.model_dump(), report.expected.model_dump()),
        ("dead letters: ", report.letters, report.expected_letters),
    )
    for prefix, counted, expected in rows:
        for name in counted | expected:
            counts.add_row(prefix + name, f"{counted.get(name, 0):,}", f"{expected.get(name, 0):,}")
    console.print(faults, counts)
    steps = report.steps
    for line in (
        f"{steps.equal:,} of {steps.expected:,} final predictions equal those of {steps.reference}.",
        f"{steps.repeated:,} predictions were published twice.",
        f"The audit {'balances' if report.balanced else 'does not balance'}.",
    ):
        console.print(line, highlight=False)
    if any(report.silent_beds.values()):
        told = ", ".join(f"{beds} {kind}" for kind, beds in report.silent_beds.items())
        console.print(f"Beds whose silence was told: {told}.", highlight=False)
    for problem in report.problems:
        console.print(problem, markup=False, highlight=False)
    console.print(
        f"{report.scenario}: {'held' if report.held else 'did not hold'}, in {report.seconds:g} s.",
        markup=False,
        highlight=False,
    )


def _met(fault: Fault) -> str:
    return f"the {fault.process}" if fault.process else f"{fault.messages:,} messages of {fault.beds} beds"
