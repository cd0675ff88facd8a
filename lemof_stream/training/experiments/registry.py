"""Every experiment by its name."""

from lemof_stream.training.experiments import (
    amount,
    attention,
    baseline,
    bedside,
    cost,
    levels,
    missing,
    modules,
    rivals,
    signals,
)
from lemof_stream.training.experiments.setting import Experiment

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (
        Experiment(
            "levels",
            "How many levels should be fused, and how should they be chosen and weighted?",
            levels.run,
        ),
        Experiment("attention", "Which kind of cross-modal attention helps?", attention.run),
        Experiment(
            "amount",
            "How much training data does LeMoF need, and how much LightGBM?",
            amount.run,
            ("Both are trained on the same people, drawn anew for every seed.",),
        ),
        Experiment(
            "missing",
            "What happens when a modality is missing, late or noisy where the model is used?",
            missing.run,
            (
                "Nothing is trained for it beyond the recipe's modality dropout.",
                "A late value counts as new when it arrives.",
                "Early fusion fills what was never seen with zeros, late fusion leaves it out.",
                "Fusions have LeMoF's encoders, as many parameters, and the same modality dropout.",
            ),
        ),
        Experiment(
            "cost",
            "What does fusion cost over its baselines, and what does a step save over computing all steps again?",
            cost.run,
            (
                "The shipped checkpoint, 1,024 beds at once, one thread.",
                "Medians of interleaved repeats of one run, in brackets quartiles.",
                "The first five rows are sums of the parts of a step, each timed alone.",
                "A baseline's numbers count its heads; `rivals` compares networks of equal size.",
            ),
        ),
        Experiment(
            "rivals",
            "How does LeMoF compare with its networks alone, other fusions, and what users pick today?",
            rivals.run,
            (
                "All learn from the same people, features and steps, and are calibrated and read out alike.",
                "Fusions have the encoders, members and epochs of LeMoF's networks and as many parameters within 5%.",
                "LeMoF is calibrated here as its rivals are, without what sharpens the mean of its members.",
                "LightGBM and logistic regression are tuned within the training people.",
            ),
        ),
        Experiment(
            "baseline",
            "Is LeMoF as it ships better than what a hospital would use instead, tuned LightGBM?",
            baseline.run,
            (
                "Both learn from the same people, features and steps; LightGBM is one model a task, of three seeds.",
                "LightGBM is tuned within the training people; LeMoF's recipe is the one that ships.",
            ),
            calibration=True,
            shipped=True,
        ),
        Experiment(
            "monitored",
            "Do predictions hold where vital signs come every minute instead of being charted?",
            bedside.run_monitored,
            ("Every charted vital sign is held, and sent every minute until the next.",),
            calibration=True,
        ),
        Experiment(
            "open_steps",
            "How good is a provisional prediction, made before its hour is over?",
            bedside.run_open_steps,
            (
                "Predictions of the steps that end at the hours scored, of stays recorded so long.",
                "On a cohort whose values are on an hourly grid an open step is empty.",
            ),
            calibration=True,
        ),
        Experiment(
            "horizon",
            "Do predictions hold beyond the hours that were trained on?",
            bedside.run_horizon,
            ("Only the later half of the steps that are trained on is scored.",),
            calibration=True,
        ),
        Experiment(
            "signals",
            "How well do rates out of waveforms agree with the monitor's numerics and with annotators of breaths?",
            signals.run,
            (
                "Windows of 60 s from the recording's start; kept: the share of them that have a rate.",
                "MAE: a minute, to the mean of the numerics over a window, or to the rate of its annotated breaths.",
                "Thresholds were fitted on the people of half of the records 01 to 24 (nobody in both halves).",
                "The plain peak finder takes every peak of the filtered pulse and impedance, and keeps everything.",
            ),
            waveforms=True,
            estimates="with 95% intervals over 400 bootstrap draws of people",
        ),
        Experiment("modules", "What does each module, and the boosted level, add?", modules.run),
    )
}
