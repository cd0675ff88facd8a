import lemof_stream.client


def test_an_integrator_imports_these_names_and_no_others() -> None:
    public = {name for name in vars(lemof_stream.client) if not name.startswith("_")}

    assert public - {"stream"} == {"Prediction", "PredictionStream"}  # the module itself is an attribute too
    assert set(lemof_stream.client.__all__) == {"Prediction", "PredictionStream"}
