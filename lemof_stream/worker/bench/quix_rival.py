"""The engine's job in Quix Streams, the plain way: a stateful function that computes everything again for each window.

    python -m lemof_stream.worker.bench.quix_rival BROKERS FOLDER

Exactly once: predictions, state and offsets go out in one transaction a second.
"""

import sys
from pathlib import Path
from typing import Any, Final

from quixstreams import Application, State

from lemof_stream.contracts.topics import VITALS
from lemof_stream.worker.bench.recompute import Recompute

GROUP: Final = "bench-quix"
TOPIC: Final = "bench.quix"
_COMMIT_S: Final = 1.0  # its default of 5 s would keep predictions from readers for as long


def make_app(brokers: str, folder: str) -> Application:
    """The application."""
    app = Application(
        broker_address=brokers,
        consumer_group=GROUP,
        auto_offset_reset="earliest",
        processing_guarantee="exactly-once",
        commit_interval=_COMMIT_S,
        state_dir=Path(folder) / "quix",
        loglevel="WARNING",
    )
    recompute = Recompute()

    def predict(window: dict[str, Any], state: State[str, Any]) -> dict[str, Any]:
        windows = state.get("windows", [])
        found = recompute.take(window, windows)
        state.set("windows", windows)
        return found

    frame = app.dataframe(app.topic(VITALS))
    frame.apply(predict, stateful=True).to_topic(app.topic(TOPIC))
    return app


if __name__ == "__main__":
    make_app(*sys.argv[1:3]).run()
