"""What is learnt from together."""

import torch

from lemof_stream.model.members import Dropout
from lemof_stream.training.batches import POOL, Prepared, batches
from lemof_stream.training.recipe import default_config

RECIPE = default_config("physionet2012").recipe


def stays_of(last: torch.Tensor, steps: int, *, steady: bool = True) -> Prepared:
    """Stays whose targets are known to their last step [N], from 0."""
    stays = len(last)
    target = torch.zeros(stays, steps, 1)
    target[torch.arange(steps) > last.unsqueeze(1)] = torch.nan
    features = torch.zeros(2, stays, steps, 1)
    fold = person = torch.arange(stays)
    return Prepared(
        features, features, torch.ones(2, stays, steps, 2).bool(), target, fold, person, 2, steady
    )


def test_every_stay_is_in_one_batch_and_its_last_known_step_with_it() -> None:
    last = torch.randint(0, 40, (1000,), generator=torch.Generator().manual_seed(0))
    data = stays_of(last, 40)
    drawn = list(batches(data, torch.arange(1000), RECIPE, torch.Generator().manual_seed(0)))
    assert torch.cat([batch.stays for batch in drawn]).sort().values.tolist() == list(range(1000))
    assert all(bool((batch.steps == last[batch.stays].unsqueeze(1)).any(1).all()) for batch in drawn)


def test_drawn_steps_stand_for_all_known_ones_of_their_stay() -> None:
    last = torch.arange(200)
    data = stays_of(last, 200, steady=False)
    drawn = list(batches(data, torch.arange(200), RECIPE, torch.Generator().manual_seed(0)))
    for batch in drawn:
        known = (batch.steps <= last[batch.stays].unsqueeze(1)).sum(1)
        torch.testing.assert_close(batch.weight * known, last[batch.stays] + 1.0)


def test_no_step_of_a_target_that_changes_is_drawn_more_often() -> None:
    data = stays_of(torch.full((3000,), 79), 80, steady=False)
    drawn = batches(data, torch.arange(3000), RECIPE, torch.Generator().manual_seed(0))
    count = torch.cat([batch.steps.flatten() for batch in drawn]).bincount(minlength=80)
    wanted = 3000 * RECIPE.steps_a_stay / 80
    assert bool(((count - wanted).abs() < 0.2 * wanted).all())


def test_the_vitals_run_no_further_than_the_longest_stay_of_a_batch() -> None:
    last = torch.arange(POOL * RECIPE.stays_a_batch) // 16
    data = stays_of(last, int(last.max()) + 1)
    drawn = list(batches(data, torch.arange(len(last)), RECIPE, torch.Generator().manual_seed(0)))
    run = sum(len(batch.features.vitals) for batch in drawn)
    assert run < 0.6 * len(last) * data.target.shape[1]


def test_batches_of_stays_of_one_length_are_as_drawn() -> None:
    data = stays_of(torch.full((300,), 5), 6)
    order = torch.randperm(300, generator=torch.Generator().manual_seed(0))
    drawn = list(batches(data, torch.arange(300), RECIPE, torch.Generator().manual_seed(0)))
    assert torch.equal(torch.cat([batch.stays for batch in drawn]), order)


def test_dropout_drops_its_share_keeps_the_mean_and_nothing_when_serving() -> None:
    torch.manual_seed(0)
    dropout, x = Dropout(0.25), torch.ones(1001, 101)
    out = dropout(x)
    torch.testing.assert_close((out == 0).float().mean(), torch.tensor(0.25), rtol=0, atol=0.01)
    torch.testing.assert_close(out.mean(), torch.tensor(1.0), rtol=0, atol=0.01)
    assert torch.equal(dropout.eval()(x), x)
