"""Who a patient is: age, sex, height, weight, and the unit that the patient belongs in.

Shapes: N patients.
"""

from typing import Final, NamedTuple

import numpy as np

from lemof_stream.contracts.ehr import Demographics, UnitType
from simulators.physiology.state import Floats, Ints

# Near those of PhysioNet 2012. Years: mean, spread, youngest, oldest; women's, men's height; BMI: median, log spread.
_AGE: Final = (64.0, 17.5, 18.0, 90.0)
_HEIGHT_CM: Final = np.array([162.0, 176.0])
_BMI: Final = (27.5, 0.2)
_MEN: Final = 0.56


class People(NamedTuple):
    """Columns [N]; sex 0 female, 1 male."""

    unit: list[UnitType]
    age: Floats
    sex: Ints
    height_cm: Floats
    weight_kg: Floats

    def demographics(self, row: int) -> Demographics:
        """What the record says of one of them."""
        return Demographics(
            age=float(self.age[row]),
            sex=1 if self.sex[row] else 0,
            height_cm=float(self.height_cm[row]),
            weight_kg=float(self.weight_kg[row]),
            unit_type=self.unit[row],
        )


def meet(units: list[UnitType], random: np.random.Generator) -> People:
    """Adults [N] who belong in these units."""
    count = len(units)
    mean, spread, youngest, oldest = _AGE
    age: Floats = np.clip(random.normal(mean, spread, count), youngest, oldest)
    sex = (random.random(count) < _MEN).astype(np.int64)
    height = np.round(random.normal(_HEIGHT_CM[sex], 7.5), 1)
    bmi = np.clip(_BMI[0] * np.exp(_BMI[1] * random.standard_normal(count)), 16.0, 60.0)
    return People(
        unit=units,
        age=np.rint(age),
        sex=sex,
        height_cm=height,
        weight_kg=np.round(bmi * (height / 100.0) ** 2, 1),
    )
