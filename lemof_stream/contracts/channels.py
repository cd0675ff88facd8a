"""Every measured quantity: its name, code, unit and limits, in one table.

Two ranges a channel. Beyond *plausible* a charted value is a slip or an artefact that still carries its
direction: it is clipped. Beyond *possible* it cannot be that quantity in a living person: it is dropped from
recordings, and a streamed window that holds it is refused to the dead letters.

Codes are LOINC (https://loinc.org), units UCUM (https://ucum.org). The ranges are ours, wide on purpose: they
bracket what the open ICU data sets hold after unit conversion. A blood pressure of 0 is a disconnected line, and not
possible.
"""

from typing import Final, Literal, NamedTuple


class Range(NamedTuple):
    """A closed interval in the channel's unit."""

    low: float
    high: float


class Channel(NamedTuple):
    """One measured quantity."""

    name: str
    kind: Literal["vitals", "ehr"]
    loinc: str
    """Empty where there is none."""
    unit: str
    plausible: Range
    possible: Range


def _vital(name: str, loinc: str, unit: str, plausible: Range, possible: Range) -> Channel:
    return Channel(name, "vitals", loinc, unit, plausible, possible)


def _ehr(name: str, loinc: str, unit: str, plausible: Range, possible: Range) -> Channel:
    return Channel(name, "ehr", loinc, unit, plausible, possible)


_TABLE: Final = (
    # What a bedside monitor sends.
    _vital("heart_rate", "8867-4", "/min", Range(20, 250), Range(0, 400)),
    _vital("art_sbp", "76215-3", "mm[Hg]", Range(30, 280), Range(1, 400)),
    _vital("art_dbp", "76213-8", "mm[Hg]", Range(10, 180), Range(1, 300)),
    _vital("art_map", "76214-6", "mm[Hg]", Range(15, 220), Range(1, 350)),
    _vital("cuff_sbp", "76534-7", "mm[Hg]", Range(30, 280), Range(1, 400)),
    _vital("cuff_dbp", "76535-4", "mm[Hg]", Range(10, 180), Range(1, 300)),
    _vital("cuff_map", "76536-2", "mm[Hg]", Range(15, 220), Range(1, 350)),
    _vital("resp_rate", "9279-1", "/min", Range(3, 70), Range(0, 150)),
    _vital("temperature", "8310-5", "Cel", Range(28, 43), Range(10, 47)),
    _vital("spo2", "59408-5", "%", Range(40, 100), Range(0, 100)),
    # Where a data set does not say how the pressure was taken.
    _vital("sbp", "8480-6", "mm[Hg]", Range(30, 280), Range(1, 400)),
    _vital("dbp", "8462-4", "mm[Hg]", Range(10, 180), Range(1, 300)),
    _vital("map", "8478-0", "mm[Hg]", Range(15, 220), Range(1, 350)),
    _vital("etco2", "19889-5", "mm[Hg]", Range(5, 100), Range(0, 150)),
    # What the record holds: charted observations and laboratory values.
    _ehr("gcs", "9269-2", "{score}", Range(3, 15), Range(3, 15)),
    _ehr("urine", "9187-6", "mL", Range(0, 2000), Range(0, 12000)),
    _ehr("weight", "29463-7", "kg", Range(30, 250), Range(15, 450)),
    _ehr("fio2", "3150-0", "1", Range(0.21, 1), Range(0.15, 1)),
    # No code: those of LOINC that we know are about a ventilator's mode and settings, not about whether one breathes.
    _ehr("mech_vent", "", "{0,1}", Range(0, 1), Range(0, 1)),
    _ehr("ph", "2744-1", "[pH]", Range(6.8, 7.8), Range(6, 8.5)),
    _ehr("paco2", "2019-8", "mm[Hg]", Range(10, 130), Range(1, 250)),
    _ehr("pao2", "2703-7", "mm[Hg]", Range(20, 600), Range(1, 800)),
    _ehr("sao2", "2708-6", "%", Range(40, 100), Range(1, 100)),
    _ehr("hct", "4544-3", "%", Range(12, 65), Range(1, 80)),
    _ehr("potassium", "2823-3", "mmol/L", Range(1.8, 9), Range(0.5, 30)),
    _ehr("platelets", "777-3", "10*3/uL", Range(5, 1500), Range(0, 4000)),
    _ehr("creatinine", "2160-0", "mg/dL", Range(0.1, 20), Range(0, 60)),
    _ehr("bun", "3094-0", "mg/dL", Range(1, 200), Range(0, 400)),
    _ehr("hco3", "1963-8", "mmol/L", Range(4, 50), Range(1, 80)),
    _ehr("magnesium", "19123-9", "mg/dL", Range(0.6, 8), Range(0.1, 40)),
    _ehr("sodium", "2951-2", "mmol/L", Range(105, 175), Range(60, 250)),
    _ehr("glucose", "2345-7", "mg/dL", Range(20, 1000), Range(1, 3000)),
    _ehr("wbc", "6690-2", "10*3/uL", Range(0.1, 150), Range(0, 800)),
    _ehr("lactate", "2524-7", "mmol/L", Range(0.2, 25), Range(0, 60)),
    _ehr("bilirubin", "1975-2", "mg/dL", Range(0.1, 50), Range(0, 100)),
    _ehr("ast", "1920-8", "U/L", Range(3, 15000), Range(0, 60000)),
    _ehr("alt", "1742-6", "U/L", Range(2, 10000), Range(0, 40000)),
    _ehr("alp", "6768-6", "U/L", Range(8, 2500), Range(0, 10000)),
    _ehr("albumin", "1751-7", "g/dL", Range(0.8, 6), Range(0.1, 10)),
    _ehr("troponin_t", "6598-7", "ng/mL", Range(0, 30), Range(0, 200)),
    _ehr("troponin_i", "10839-9", "ng/mL", Range(0, 60), Range(0, 1000)),
    _ehr("cholesterol", "2093-3", "mg/dL", Range(25, 500), Range(5, 1500)),
    _ehr("base_excess", "1925-7", "mmol/L", Range(-35, 35), Range(-60, 60)),
    _ehr("chloride", "2075-0", "mmol/L", Range(70, 145), Range(40, 200)),
    _ehr("calcium", "17861-6", "mg/dL", Range(4, 17), Range(2, 30)),
    _ehr("calcium_ionized", "1995-0", "mmol/L", Range(0.5, 2), Range(0.2, 3)),
    _ehr("phosphate", "2777-1", "mg/dL", Range(0.3, 16), Range(0.1, 30)),
    _ehr("bilirubin_direct", "1968-7", "mg/dL", Range(0, 40), Range(0, 80)),
    _ehr("ck", "2157-6", "U/L", Range(5, 100_000), Range(0, 1_000_000)),
    _ehr("ck_mb", "13969-1", "ng/mL", Range(0, 800), Range(0, 3000)),
    # Nobody's lies in the thousands, but eICU holds such: probably mg/L that were taken for mg/dL and converted.
    _ehr("crp", "1988-5", "mg/L", Range(0, 600), Range(0, 1000)),
    _ehr("hgb", "718-7", "g/dL", Range(3, 22), Range(1, 30)),
    _ehr("mch", "785-6", "pg", Range(15, 45), Range(5, 80)),
    _ehr("mchc", "786-4", "g/dL", Range(22, 42), Range(10, 60)),
    _ehr("mcv", "787-2", "fL", Range(50, 140), Range(30, 200)),
    _ehr("neutrophils", "26511-6", "%", Range(0, 100), Range(0, 100)),
    _ehr("bands", "26508-2", "%", Range(0, 90), Range(0, 100)),
    _ehr("lymphocytes", "26478-8", "%", Range(0, 100), Range(0, 100)),
    _ehr("inr", "6301-6", "{INR}", Range(0.7, 20), Range(0.3, 50)),
    _ehr("ptt", "14979-9", "s", Range(15, 250), Range(5, 500)),
    _ehr("fibrinogen", "3255-7", "mg/dL", Range(30, 1300), Range(5, 3000)),
    _ehr("methemoglobin", "2614-6", "%", Range(0, 30), Range(0, 100)),
)

CHANNELS: Final[dict[str, Channel]] = {channel.name: channel for channel in _TABLE}
VITALS: Final = tuple(c.name for c in _TABLE if c.kind == "vitals")
"""Every channel of a monitor; a checkpoint reads those that its own input schema names."""
EHR: Final = tuple(c.name for c in _TABLE if c.kind == "ehr")
"""Every channel of the record, likewise."""
