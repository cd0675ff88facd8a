"""The model card: what was trained, on what, how good it is, and what it is for."""

from importlib.metadata import version
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from lemof_stream.cohorts import Cohort
from lemof_stream.model.lemof import LeMoF
from lemof_stream.model.schema import MODALITIES
from lemof_stream.training.evaluate import evaluate
from lemof_stream.training.fit import Fitted

INTENDED_USE = (
    "Research use, not a medical device. For replaying recorded stays, for developing and load-testing systems that "
    "subscribe to predictions, and for research on multimodal fusion. Not for decisions about patients."
)
LIMITS = (
    "Trained on the first 48 hours of stays of one hospital's intensive care, charted by hand between 2001 and 2008, "
    "all of which lasted at least 48 hours: predictions beyond the horizon, for shorter stays or for other hospitals "
    "are extrapolations. The recording may have ended because the patient left; scores on stays that are still being "
    "recorded are the ones to compare with a bedside."
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
    held_out = {}
    if model.task_set.readout == "stay":
        held_out = evaluate(_out_of_fold(fitted, cohort), cohort.take(sorted(set(fitted.stay.tolist()))))
    return {
        "name": f"lemof-{cohort.name}",
        "version": version("lemof-stream"),
        "description": "LeMoF, level-guided multimodal fusion: our reading of arXiv 2601.10092, not its authors' code.",
        "intended_use": INTENDED_USE,
        "limits": LIMITS,
        "data": _data(cohort),
        "splits": f"{2 * model.sizes.members} random folds of stays; member e of {model.sizes.members} never learns "
        "from fold e.",
        "recipe": recipe,
        "outputs": list(model.task_set.columns),
        "level_importance": _importance(model),
        "calibration": {
            "how": "Meta-learners, then a temperature a task, then the 80% conformal interval on length of stay, each "
            "on out-of-fold predictions of every step by single members; temperatures and interval on logits of "
            "meta-learners that did not learn from the stay. No stay is held out of all members, so none tells how "
            "much less their mean, which is served, varies than one of them: this is not corrected for.",
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
    last = torch.from_numpy(cohort.last_minute.astype(np.int64))[fitted.stay]
    held = (end < last + minutes) | (end == minutes)  # admission is data of the first step
    table = {
        "stay_id": pa.array([cohort.stay_ids[stay] for stay in fitted.stay[held].tolist()], pa.string()),
        "step_end_min": pa.array(end[held].numpy()),
    }
    return pa.table(table | {name: pa.array(column[held].numpy()) for name, column in fitted.columns.items()})


def _data(cohort: Cohort) -> dict[str, Any]:
    return {
        "cohort": cohort.name,
        "stays": len(cohort),
        "stay_ids": f"{min(cohort.stay_ids)} to {max(cohort.stay_ids)}",
        "measurements": len(cohort.value),
        "died": int(np.nansum(cohort.death)),
        "length_of_stay_known": int((~np.isnan(cohort.length_of_stay)).sum()),
        "terms": "PhysioNet/CinC Challenge 2012, open access (ODC-By 1.0)",
    }


def _importance(model: LeMoF) -> dict[str, Any]:
    shares: dict[str, Any] = {"boosted": dict(zip(MODALITIES, model.boosted.share.tolist(), strict=True))}
    for name, meta, best in zip(MODALITIES, model.metas, model.fusion.best, strict=True):
        by_task = zip(model.task_set.names, meta.importance.T.tolist(), strict=True)
        shares[name] = {
            "shapley": {task: [round(a, 4) for a in levels] for task, levels in by_task},
            "fused": [round(a, 4) for a in best.share.tolist()],
        }
    return shares
