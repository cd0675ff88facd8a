"""The model card: what was trained, on what, how good it is, and what it is for."""

from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.model.lemof import LeMoF
from lemof_stream.model.schema import MODALITIES
from lemof_stream.model.tasks import TASK_SETS
from lemof_stream.training.cohort_texts import LIMITS, SOURCES, TERMS
from lemof_stream.training.evaluate import evaluate
from lemof_stream.training.fit import Fitted
from lemof_stream.training.scores.rows import rows_of
from lemof_stream.training.scores.utility import best_threshold, gains

INTENDED_USE = (
    "Research use, not a medical device. For replaying recorded stays, for developing and load-testing systems that "
    "subscribe to predictions, and for research on multimodal fusion. Not for decisions about patients."
)
OUT_OF_FOLD = (
    "Stays of this training, each predicted by the one member and by meta-learners that did not learn from it, where "
    "the mean of all members is served. The final meta-learners, the temperatures and the interval were fitted on "
    "these same rows, and the levels to fuse and the epochs to keep were chosen there, so calibration and coverage "
    "look better than they are. The scores of other stays, where given below, are the honest ones: of the served "
    "mean, on stays that nothing was fitted on."
)


def model_card(
    fitted: Fitted, cohort: Cohort, recipe: dict[str, Any], evaluation: dict[str, Any] | None
) -> dict[str, Any]:
    """The card as JSON; the checkpoint adds schema, architecture and format."""
    model, duration = fitted.model, fitted.model.readout.duration
    table = _out_of_fold(fitted, cohort)
    threshold = alarm_threshold(table, cohort)
    held_out = evaluate(table, cohort.take(sorted(set(fitted.stay.tolist()))), threshold)
    return {
        "name": f"lemof-{cohort.name}",
        "version": version("lemof-stream"),
        "description": "LeMoF, level-guided multimodal fusion: our reading of arXiv 2601.10092, not its authors' code.",
        "intended_use": INTENDED_USE,
        "limits": LIMITS[cohort.name],
        "data": _data(cohort),
        "splits": f"{2 * model.sizes.members} random folds of stays; member e of {model.sizes.members} never learns "
        "from fold e.",
        "recipe": recipe,
        "outputs": list(model.task_set.columns),
        "threshold": threshold,
        "level_importance": _importance(model),
        "calibration": {
            "how": "Meta-learners, then a temperature a task, then the 80% conformal interval on a duration, each "
            "on out-of-fold predictions of every step by single members; temperatures and interval on logits of "
            "meta-learners that did not learn from the stay. Last, as the mean of all members, which is served, varies "
            "less than one of them, its logits are spread around their mean by what averaging takes, estimated between "
            "members on stays that all learnt from; the interval is not corrected for it, so it covers a little more.",
            "temperature": dict(zip(model.task_set.names, model.decision.temperature.tolist(), strict=True)),
            "interval": None if duration is None else duration.interval.tolist(),
        },
        "metrics": {
            "out_of_fold": {"how": OUT_OF_FOLD, **held_out},
            "other_stays": evaluation
            and {"how": "same recipe, trained on part of the data, scored on the rest"} | evaluation,
        },
    }


def _out_of_fold(fitted: Fitted, cohort: Cohort) -> pa.Table:
    """Held-out predictions of the recorded steps, as `predict` writes them."""
    minutes = fitted.model.schema.step_minutes
    end = (fitted.step + 1) * minutes
    last = torch.from_numpy(cohort.recorded_until.astype(np.int64))[fitted.stay]
    held = (end < last + minutes) | (end == minutes)  # admission is data of the first step
    table = {
        "stay_id": pa.array([cohort.stay_ids[stay] for stay in fitted.stay[held].tolist()], pa.string()),
        "step_end_min": pa.array(end[held].numpy()),
    }
    return pa.table(table | {name: pa.array(column[held].numpy()) for name, column in fitted.columns.items()})


def alarm_threshold(table: pa.Table, cohort: Cohort) -> float | None:
    """The predicted risk of sepsis from which on an alarm adds to the Challenge's utility; None for other cohorts."""
    rows = rows_of(table, cohort)
    if "sepsis" not in rows.tasks:
        return None
    task = rows.tasks["sepsis"]
    return best_threshold(gains(task.truth, rows.end / 60, rows.stay), task.predicted)


def _data(cohort: Cohort) -> dict[str, Any]:
    return {
        "cohort": cohort.name,
        "stays": len(cohort),
        "people": len(set(cohort.person)),
        "stay_ids": f"{min(cohort.stay_ids)} to {max(cohort.stay_ids)}",
        "measurements": len(cohort.value),
        **_outcomes(cohort),
        "source": SOURCES[cohort.name],
        "terms": TERMS[cohort.name],
    }


def _outcomes(cohort: Cohort) -> dict[str, int]:
    """How many of each outcome are known."""
    known = cohort.step_targets
    if known is None:
        days = cohort.length_of_stay
        return {"died": int(np.nansum(cohort.death)), "length_of_stay_known": int((~np.isnan(days)).sum())}
    counts = {"steps_with_target": len(known.value)}
    if TASK_SETS[cohort.name].readout == "risk":
        positive = known.value == 1
        counts |= {"positive_steps": int(positive.sum()), "stays_with_sepsis": len(set(known.stay[positive]))}
    return counts


def _importance(model: LeMoF) -> dict[str, Any]:
    shares: dict[str, Any] = {"boosted": dict(zip(MODALITIES, model.boosted.share.tolist(), strict=True))}
    for name, meta, best in zip(MODALITIES, model.metas, model.fusion.best, strict=True):
        by_task = zip(model.task_set.names, meta.importance.T.tolist(), strict=True)
        shares[name] = {
            "shapley": {task: [round(a, 4) for a in levels] for task, levels in by_task},
            "fused": [round(a, 4) for a in best.share.tolist()],
        }
    return shares
