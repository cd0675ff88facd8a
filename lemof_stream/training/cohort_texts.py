"""What a model card says of each cohort: where it is from, its terms, and what a model trained on it cannot do."""

_ALARMS = (
    "The threshold maximises the Challenge's utility, which is no measure of a ward's burden of alarms; choose another "
    "for another purpose."
)
SOURCES = {
    "physionet2012": "PhysioNet/CinC Challenge 2012, https://physionet.org/content/challenge-2012/: adults in four "
    "intensive care units of one hospital in Boston, 2001 to 2008, the first 48 hours.",
    "eicu": "eICU Collaborative Research Database demo, https://physionet.org/content/eicu-crd-demo/: stays in "
    "intensive care units of hospitals across the United States, 2014 and 2015, on an hourly grid.",
    "sepsis2019": "PhysioNet/CinC Challenge 2019, https://physionet.org/content/challenge-2019/: intensive care of "
    "hospital systems in the United States, hourly rows.",
}
TERMS = {
    "physionet2012": "PhysioNet/CinC Challenge 2012, open access (ODC-By 1.0)",
    "eicu": "eICU-CRD demo, open access (ODbL 1.0)",
    "sepsis2019": "PhysioNet/CinC Challenge 2019, open access (CC-BY 4.0)",
}
LIMITS = {
    "physionet2012": "Trained on the first 48 hours of stays of one hospital's intensive care, charted by hand between "
    "2001 and 2008, all of which lasted at least 48 hours: predictions beyond the horizon, for shorter stays or for "
    "other hospitals are extrapolations. The recording may have ended because the patient left; scores on stays that "
    "are still being recorded are the ones to compare with a bedside.",
    "eicu": "Trained on a small sample of stays; the recorded target is whole hours and ends at 168, so longer "
    "remainders count as 168 and the point prediction never means more. Unit types are not recorded. Beyond the "
    "horizon of 168 hours since admission, and for other hospitals, predictions are extrapolations.",
    "sepsis2019": "Trained on hourly rows of one hospital system; the label rises six hours before an onset that was "
    "derived from cultures, antibiotics and organ failure scores, so what clinicians ordered is among the inputs' "
    "causes. Beyond 168 hours since admission, and for other hospitals, predictions are extrapolations. "
    + _ALARMS,
}
