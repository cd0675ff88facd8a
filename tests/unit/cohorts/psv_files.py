"""Writes the text of stays in the published format of the Challenge 2019."""

from collections.abc import Mapping, Sequence

COLUMNS = (
    "HR", "O2Sat", "Temp", "SBP", "MAP", "DBP", "Resp", "EtCO2", "BaseExcess", "HCO3", "FiO2", "pH", "PaCO2",
    "SaO2", "AST", "BUN", "Alkalinephos", "Calcium", "Chloride", "Creatinine", "Bilirubin_direct", "Glucose",
    "Lactate", "Magnesium", "Phosphate", "Potassium", "Bilirubin_total", "TroponinI", "Hct", "Hgb", "PTT", "WBC",
    "Fibrinogen", "Platelets", "Age", "Gender", "Unit1", "Unit2", "HospAdmTime", "ICULOS", "SepsisLabel",
)  # fmt: skip
"""As published."""

KNOWN = {"Age": 61, "Gender": 0, "Unit1": 0, "Unit2": 1, "HospAdmTime": -3.1, "SepsisLabel": 0}


def psv(*rows: Mapping[str, float | str], columns: Sequence[str] = COLUMNS) -> str:
    """A header and rows; what a row does not name is `NaN`, or what `KNOWN` says."""
    lines = ["|".join(columns)]
    lines += ["|".join(str({**KNOWN, **row}.get(name, "NaN")) for name in columns) for row in rows]
    return "\n".join(lines) + "\n"
