"""Fusions on equal terms: as many parameters as LeMoF, nothing learnt from what was never seen."""

from dataclasses import replace

import pytest
import torch

from lemof_stream.model import TASK_SETS, Architecture, InputSchema, LeMoF
from lemof_stream.training.recipe import default_config
from lemof_stream.training.rivals.catalogue import FUSIONS
from lemof_stream.training.rivals.networks import FusionRival, LeMoFRival
from lemof_stream.training.rivals.rival import Answer
from lemof_stream.training.rivals.trained import Ready

MEMBERS, ROWS, WIDTHS, TASKS = 2, 5, [24, 48], 4


def fused(name: str, levels: list[torch.Tensor], seen: torch.Tensor) -> torch.Tensor:
    torch.manual_seed(0)
    fusion = FUSIONS[name](MEMBERS, WIDTHS, 12, TASKS, 0.0)
    logits: torch.Tensor = fusion(levels, seen)
    return logits


def drawn_levels(seed: int) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(MEMBERS, ROWS, width, generator=random) for width in WIDTHS]


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("members", [2, 6])
def test_a_fusion_has_the_parameters_of_lemof_within_a_twentieth(name: str, members: int) -> None:
    base = LeMoF(InputSchema(), TASK_SETS["physionet2012"], Architecture(members=members))
    wanted = LeMoFRival("lemof networks", base, trees=0).parameters
    assert FusionRival(name, base, FUSIONS[name]).parameters == pytest.approx(wanted, rel=0.05)


@pytest.mark.parametrize("name", FUSIONS)
@pytest.mark.parametrize("gone", [0, 1])
def test_a_modality_never_seen_leaves_no_trace_in_the_logits(name: str, gone: int) -> None:
    seen = torch.ones(ROWS, 2, dtype=torch.bool)
    seen[0, gone] = False
    levels = drawn_levels(0)
    changed = list(levels)
    changed[gone] = drawn_levels(1)[gone]
    before, after = fused(name, levels, seen), fused(name, changed, seen)
    torch.testing.assert_close(before[:, 0], after[:, 0])
    read = FUSIONS[name].modality in {None, gone}
    assert torch.allclose(before[:, 1:], after[:, 1:]) != read


@pytest.mark.parametrize("name", FUSIONS)
def test_logits_are_finite_where_nothing_was_seen(name: str) -> None:
    assert fused(name, drawn_levels(0), torch.zeros(ROWS, 2, dtype=torch.bool)).isfinite().all()


@pytest.mark.parametrize("name", FUSIONS)
def test_every_weight_of_a_fusion_is_trained(name: str) -> None:
    torch.manual_seed(0)
    fusion = FUSIONS[name](MEMBERS, WIDTHS, 12, TASKS, 0.0)
    logits: torch.Tensor = fusion(drawn_levels(0), torch.ones(ROWS, 2, dtype=torch.bool))
    torch.autograd.backward(logits.square().sum())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in fusion.parameters())


def test_held_out_answers_come_from_the_member_that_never_saw_the_stay(ready: Ready) -> None:
    rival = FusionRival("early fusion", ready.model, FUSIONS["early fusion"])
    found: Answer = rival.fit(
        ready.prepared,
        ready.data.targets.duration,
        replace(default_config("physionet2012").recipe, epochs=1, fusion_epochs=1),
        lambda stage, share: None,  # noqa: ARG005
    )
    held_out = ready.prepared.fold < ready.prepared.members
    assert torch.equal(~found.logits.isnan().any(-1).any(-1), held_out)
