"""Imputers and encoders: scikit-learn's, by feature name, kept with the model."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from modelwright import features as f
from modelwright.core.errors import Invalid
from modelwright.models.model import Manifest
from modelwright.models.package import loaded, pack
from support.features import applied

VIEW = f.view("v", [f.context(temp=float, carrier=str, hour=float)])
ROWS = np.array([[1.0, "AA", 1.0], [None, "UA", 2.0], [3.0, "AA", 3.0]], dtype=object)


def test_each_feature_is_prepared_as_declared_and_the_rest_passes():
    made = f.transformer(applied(VIEW), [f.encode("carrier"), f.impute("temp", strategy="median")]).fit(ROWS)
    assert made.transform(ROWS).astype(float).tolist() == [[0.0, 1.0, 1.0], [1.0, 2.0, 2.0], [0.0, 3.0, 3.0]]
    assert np.isnan(made.transform(np.array([[None, "ZZ", 1.0]], dtype=object)).astype(float)).tolist() == [
        [True, False, False]
    ]


def test_a_mean_and_one_hot():
    made = f.transformer(applied(VIEW), [f.impute("temp"), f.encode("carrier", one_hot=True)]).fit(ROWS)
    assert made.transform(ROWS).astype(float).tolist() == [[1, 1, 0, 1], [2, 0, 1, 2], [3, 1, 0, 3]]


def test_what_was_fitted_travels_with_the_model():
    prepared = f.transformer(applied(VIEW), [f.encode("carrier", one_hot=True), f.impute("temp")])
    model = Pipeline([("prepared", prepared), ("line", LinearRegression())]).fit(ROWS, [1.0, 2.0, 3.0])
    columns = dict(zip(("temp", "carrier", "hour"), map(list, zip(*ROWS.tolist(), strict=True)), strict=True))
    inputs = f.context(temp=float, carrier=str, hour=float)
    contract = applied(f.view("v", inputs)).contract
    from modelwright.models.model import loosened

    packed = pack(model, loosened(contract, ["temp"]), columns, requirements="")
    manifest = Manifest(model="m", flavour=packed.flavour, task=packed.task, inputs=packed.inputs, files=())
    assert loaded(manifest, packed.files)(columns).tolist() == model.predict(ROWS).tolist()


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([f.encode("wind")], "wind is no feature"),
        ([f.encode("carrier"), f.impute("carrier")], "carrier is named twice"),
    ],
)
def test_a_step_names_features_once(steps, said):
    with pytest.raises(Invalid, match=said):
        f.transformer(applied(VIEW), steps)
