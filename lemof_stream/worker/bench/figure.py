"""The figure of the benchmark: latency by load."""

from pathlib import Path
from typing import Any

from lemof_stream.plotting import load_matplotlib


def draw(found: dict[str, Any], file: Path) -> None:
    """Latency by windows a second; the last point is where the engine no longer keeps up, if any is."""
    curve = found["latency_curve"]
    figure = load_matplotlib()(figsize=(7, 4.5), layout="constrained")
    panel = figure.subplots()
    rates = [point["windows_per_s"] for point in curve]
    for name, colour in (("p50", "C0"), ("p99", "C3")):
        panel.plot(rates, [point[name] for point in curve], "o-", color=colour, label=name)
    for point in curve:
        if point["saturated"]:
            panel.axvline(
                point["windows_per_s"], color="0.6", linewidth=0.8, linestyle="--", label="saturated"
            )
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.set_xlabel("windows a second")
    panel.set_ylabel("milliseconds from a window's send to its prediction")
    panel.set_title(f"Exactly once, {found['beds']:,} beds, one worker", fontsize=10)
    panel.grid(visible=True, which="both", alpha=0.3)
    panel.legend()
    figure.savefig(file, dpi=110, metadata={"Software": None})  # the same numbers, the same file
