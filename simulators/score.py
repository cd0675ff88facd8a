"""What a live system scores on a replayed cohort, beside what `lemof predict` scores offline on the same stays.

Live figures come from the topics: the last final prediction of each step from `predictions.v1`, the alerts from
`alerts.v1`. Offline alerts are what the same thresholds raise on the offline predictions of closed steps; the ward app
also sees provisional ones, so it may be earlier, and raise more. For a model whose predictions the ward app does not
watch, both are what the threshold in the model's card raises on the predictions of closed steps.
"""

from typing import Any, Final, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from pydantic import BaseModel

from lemof_stream.cohorts import Cohort
from lemof_stream.errors import ConfigError, DataError
from lemof_stream.model import TASK_SETS, Predictor, load_for_cohort
from lemof_stream.settings import Settings
from lemof_stream.training.evaluate import by_hours
from lemof_stream.training.metrics import Estimate, absolute_error, auroc, estimate
from lemof_stream.training.predict import one_thread, predict
from lemof_stream.training.scores.rows import Rows, rows_of
from lemof_stream.worker.ward_fold import CLEAR_BELOW, RAISE_AT, RISK
from simulators.alarms import AlarmScore, Alerts, alerts_of, events_of, score_alarms
from simulators.published import Place, Published, Wanted, published, require_running

_SEPSIS: Final = "p_sepsis"


class Uncertain(BaseModel):
    """A score and its 95% interval; None where it is not defined, as of one class only."""

    value: float | None
    low: float | None
    high: float | None


class Figure(BaseModel):
    """A score of the same task and hours, live and offline, with 95% intervals over people."""

    hours: str
    """Observed: each stay's last prediction up to this hour, or every prediction in a band such as `7-12`."""
    task: str
    score: Literal["auroc", "mae"]
    rows: int
    live: Uncertain
    offline: Uncertain


class Score(BaseModel):
    """The live system's scores beside the offline ones."""

    cohort: str
    stays: int
    """Of which live predictions were scored."""
    steps_live: int
    steps_offline: int
    max_difference: float
    """Between a live and the offline prediction of the same stay and step, in any column."""
    models_live: list[str]
    model_offline: str
    figures: list[Figure]
    event: str | None
    """What alerts are to foresee; None where the cohort has no such event, or the model no threshold."""
    alert_rule: str | None
    alarms_live: AlarmScore | None
    alarms_offline: AlarmScore | None


class _Rule(NamedTuple):
    risk: str
    raise_at: float
    clear_below: float
    on_topic: bool
    """Whether the ward app raises these alerts."""

    def __str__(self) -> str:
        band = f"{self.risk} from {self.raise_at:.3g} on, until it is below {self.clear_below:.3g}"
        return f"alerts.v1: {band}" if self.on_topic else f"threshold of the model's card: {band}"


class Scorer:
    """Scores one cohort. Made before the replay, so that what is missing is told before it.

    Raises:
        DataError: the folder holds no outcomes.
    """

    def __init__(self, cohort: Cohort, settings: Settings) -> None:
        if not _has_outcomes(cohort):
            raise DataError(
                f"The folder of --data holds no outcomes of these {len(cohort)} stays, so there is nothing to score "
                "against: add the file of outcomes as published, or leave out --score."
            )
        one_thread()
        self._cohort = cohort
        self._settings = settings
        self._predictor = load_for_cohort(cohort.name, None)
        self._rule = _rule_of(self._predictor, cohort)

    async def check(self) -> None:
        """Does every process run that this needs?

        Raises:
            BrokerError: one of them does not, or no Kafka answers.
        """
        from lemof_stream.worker.ehr_app import GROUP as EHR_GROUP  # Faust takes its time
        from lemof_stream.worker.ward_app import GROUP as WARD_GROUP

        groups = {EHR_GROUP: "lemof ehr", self._settings.group: f"lemof run --checkpoint {self._cohort.name}"}
        if self._watched:
            groups[WARD_GROUP] = "lemof ward"
        await require_running(self._settings.brokers, groups)

    async def score(self) -> Score:
        """Wait until the live predictions are there, and score them.

        Raises:
            BrokerError: they do not come.
            ConfigError: the runner predicts something else.
        """
        offline = predict(self._predictor, self._cohort)
        steps = list(zip(offline["stay_id"].to_pylist(), offline["step_end_min"].to_pylist(), strict=True))
        wanted = Wanted(frozenset(steps), self._least(), self._watched)
        live = await published(self._settings.brokers, self._settings.group, wanted)
        return self._scored(live, offline, steps)

    @property
    def _watched(self) -> bool:
        return self._rule is not None and self._rule.on_topic

    def _least(self) -> frozenset[Place]:
        """The last step that holds a vital sign, of each stay that has any: what no runner leaves open for long."""
        step = self._predictor.schema.step_minutes
        vitals = np.isin(
            self._cohort.channel,
            [
                place
                for place, name in enumerate(self._cohort.channels)
                if name in self._predictor.schema.vitals
            ],
        )
        last: dict[int, int] = {}
        for stay, minute in zip(
            self._cohort.stay[vitals].tolist(), self._cohort.minute[vitals].tolist(), strict=True
        ):
            last[stay] = max(-(-minute // step), 1) * step  # minutes ascend within a stay
        return frozenset((self._cohort.stay_ids[stay], end) for stay, end in last.items())

    def _scored(self, live: Published, offline: pa.Table, steps: list[Place]) -> Score:
        columns = TASK_SETS[self._cohort.name].columns
        held = np.array([place in live.finals for place in steps])
        said = [live.finals[place] for place, is_held in zip(steps, held.tolist(), strict=True) if is_held]
        strange = next((p for p in said if not p.predictions.keys() >= set(columns)), None)
        if strange is not None:
            raise ConfigError(
                f"The runner predicts {', '.join(strange.predictions)} with {strange.model.name} "
                f"{strange.model.version}, not {', '.join(columns)}: run it with --checkpoint {self._cohort.name}."
            )
        both = offline.filter(pa.array(held))
        table = both.select(["stay_id", "step_end_min"])
        apart = 0.0
        for name in columns:
            column = np.array([prediction.predictions[name] for prediction in said])
            apart = max(apart, float(np.abs(column - both[name].to_numpy()).max(initial=0.0)))
            table = table.append_column(name, pa.array(column))
        info = self._predictor.info
        return Score(
            cohort=self._cohort.name,
            stays=len({prediction.stay_id for prediction in said}),
            steps_live=len(said),
            steps_offline=len(steps),
            max_difference=apart,
            models_live=sorted({f"{p.model.name} {p.model.version} ({p.model.sha256[:12]})" for p in said}),
            model_offline=f"{info.name} {info.version} ({info.sha256[:12]})",
            figures=_figures(rows_of(table, self._cohort), rows_of(offline, self._cohort), self._cohort),
            **self._alarms(live, table, offline),
        )

    def _alarms(self, live: Published, table: pa.Table, offline: pa.Table) -> dict[str, Any]:
        events, rule = events_of(self._cohort), self._rule
        if events is None or rule is None:
            return dict.fromkeys(("event", "alert_rule", "alarms_live", "alarms_offline"))
        days = _patient_days(self._cohort, self._predictor.schema.step_minutes)
        raised = self._on_topic(live) if rule.on_topic else self._by_rule(rule, table)
        return {
            "event": events.what,
            "alert_rule": str(rule),
            "alarms_live": score_alarms(raised, events, days),
            "alarms_offline": score_alarms(self._by_rule(rule, offline), events, days),
        }

    def _by_rule(self, rule: _Rule, table: pa.Table) -> Alerts:
        row = {stay_id: place for place, stay_id in enumerate(self._cohort.stay_ids)}
        stay = np.array([row[stay_id] for stay_id in table["stay_id"].to_pylist()], dtype=np.intp)
        risk = table[rule.risk].to_numpy().astype(np.float64)
        return alerts_of(stay, table["step_end_min"].to_numpy(), risk, rule.raise_at, rule.clear_below)

    def _on_topic(self, live: Published) -> Alerts:
        row = {stay_id: place for place, stay_id in enumerate(self._cohort.stay_ids)}
        admitted = {
            stay: prediction.step_end.timestamp() / 60 - end
            for (stay, end), prediction in live.finals.items()
        }
        alerts = list(live.alerts.values())
        hour = [(alert.event_time.timestamp() / 60 - admitted[alert.stay_id]) / 60 for alert in alerts]
        return Alerts(np.array([row[alert.stay_id] for alert in alerts], dtype=np.intp), np.array(hour))


def _has_outcomes(cohort: Cohort) -> bool:
    if TASK_SETS[cohort.name].readout == "stay":
        return not (np.isnan(cohort.death).all() and np.isnan(cohort.length_of_stay).all())
    return cohort.step_targets is not None and len(cohort.step_targets.stay) > 0


def _rule_of(predictor: Predictor, cohort: Cohort) -> _Rule | None:
    """What alerts on the cohort's risk; None where nothing does."""
    columns = TASK_SETS[cohort.name].columns
    if RISK in columns:
        return _Rule(RISK, RAISE_AT, CLEAR_BELOW, on_topic=True)
    threshold = predictor.card.get("threshold")
    if threshold is None or _SEPSIS not in columns:
        return None
    return _Rule(_SEPSIS, threshold, threshold, on_topic=False)


def _patient_days(cohort: Cohort, step_minutes: int) -> float:
    """From admission to the end of the last step that holds a row, as a replay discharges them."""
    steps = np.maximum(-(-cohort.recorded_until.astype(np.int64) // step_minutes), 1)
    return float(steps.sum() * step_minutes / (24 * 60))


def _figures(live: Rows, offline: Rows, cohort: Cohort) -> list[Figure]:
    found = []
    beside = by_hours(offline, cohort)
    for hours, own in by_hours(live, cohort).items():
        other = beside[hours]
        for name, task in own.tasks.items():
            scores = estimate(auroc, *task, own.person), estimate(auroc, *other.tasks[name], other.person)
            found.append(_figure(hours, name, "auroc", task.truth, *scores))
        for name, duration in own.durations.items():
            pair = other.durations[name]
            scores = (
                estimate(absolute_error, duration.truth, duration.point, own.person),
                estimate(absolute_error, pair.truth, pair.point, other.person),
            )
            found.append(_figure(hours, name, "mae", duration.truth, *scores))
    return found


def _figure(
    hours: str, task: str, score: Literal["auroc", "mae"], truth: Any, live: Estimate, offline: Estimate
) -> Figure:
    rows = int((~np.isnan(truth)).sum())
    sides = {"live": Uncertain(**live), "offline": Uncertain(**offline)}
    return Figure(hours=hours, task=task, score=score, rows=rows, **sides)
