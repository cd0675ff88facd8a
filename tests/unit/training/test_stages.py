"""Fitting: who learns from whom, and what the convex parts find."""

import torch

from lemof_stream.model import TASK_SETS, Architecture, InputSchema, LeMoF
from lemof_stream.training.augment import SecondView
from lemof_stream.training.out_of_fold import out_of_fold
from lemof_stream.training.prepare import prepare
from lemof_stream.training.ridge import ridge_logistic
from lemof_stream.training.stages import task_loss
from tests.model_streams import random_stays


def test_unknown_outcomes_and_held_out_stays_carry_no_gradient() -> None:
    logits = torch.zeros(2, 3, 5, 4, requires_grad=True)  # members, stays, steps, tasks
    target = torch.ones(3, 5, 4)
    target[0, :, 1] = torch.nan
    learns = torch.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]])
    torch.autograd.backward(task_loss(logits, target, learns))
    assert logits.grad is not None
    moved = logits.grad != 0
    assert not moved[0, 2].any()
    assert not moved[:, 0, :, 1].any()
    assert moved[1, 2].all()


def test_out_of_fold_predictions_are_those_of_the_member_that_never_saw_the_stay() -> None:
    torch.manual_seed(0)
    model = LeMoF(InputSchema(), TASK_SETS["physionet2012"], Architecture())
    stays, target = random_stays(40, 3, 0), torch.zeros(40, 3, 4)
    target[:, 1] = torch.nan  # nothing is known of the second step
    data = prepare(model, stays, SecondView(stays, stays), target, torch.arange(40), seed=0)
    found = out_of_fold(model, data, torch.zeros(40, 3, 4))
    stay = int(found.stay[14])
    with torch.no_grad():
        features = data.batch(
            torch.tensor([stay]), torch.arange(3).unsqueeze(0), torch.zeros(1, dtype=torch.long)
        )
        z = model.heads[1](model.encode(features, 3)[1])[:, data.fold[stay]]
    assert found.step[14:16].tolist() == [0, 2]
    torch.testing.assert_close(found.z[1][:, 14:16], z[:, [0, 2]].double(), rtol=1e-5, atol=1e-6)


def test_no_person_is_learnt_from_in_one_stay_and_held_out_in_another() -> None:
    model = LeMoF(InputSchema(), TASK_SETS["physionet2012"], Architecture())
    stays, person = random_stays(40, 2, 0), torch.arange(40) // 2
    data = prepare(model, stays, SecondView(stays, stays), torch.zeros(40, 2, 4), person, seed=0)
    assert torch.equal(data.fold[::2], data.fold[1::2])


def test_ridge_logistic_finds_the_weights_that_made_the_data() -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 40_000, 1, dtype=torch.float64)
    target = (torch.rand(40_000, 1) < (1.5 * x[0] - 0.5 * x[1] - 1).sigmoid()).double()
    weight, bias = ridge_logistic(x, target, torch.full((2, 1), 0.5, dtype=torch.float64), 1e-6)
    found = torch.cat([weight[:, 0], bias])
    torch.testing.assert_close(found, torch.tensor([1.5, -0.5, -1.0]).double(), rtol=0, atol=0.08)


def test_a_strong_ridge_keeps_the_start() -> None:
    x, target = torch.randn(2, 100, 1).double(), torch.randint(0, 2, (100, 1)).double()
    start = torch.full((2, 1), 0.5, dtype=torch.float64)
    weight, _ = ridge_logistic(x, target, start, 1e6)
    torch.testing.assert_close(weight, start, rtol=0, atol=1e-3)
