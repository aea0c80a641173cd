"""The estimators that people use every day can be kept, and come back bit for bit."""

import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.tree import DecisionTreeClassifier

from modelwright.core.schema import Column, Contract, DType
from modelwright.models.flavours.sklearn import variant

NAMES = ("a", "b", "c")
INPUTS = Contract(columns=tuple(Column(name=name, dtype=DType.FLOAT64) for name in NAMES))
ESTIMATORS = (
    DecisionTreeClassifier(random_state=0),
    RandomForestClassifier(5, random_state=0),
    ExtraTreesClassifier(5, random_state=0),
    GradientBoostingClassifier(n_estimators=5, random_state=0),
    RandomForestRegressor(5, random_state=0),
    HistGradientBoostingRegressor(max_iter=5, random_state=0),
    CalibratedClassifierCV(GaussianNB()),
    CalibratedClassifierCV(GaussianNB(), method="isotonic"),
    make_pipeline(SimpleImputer(), LogisticRegression()),
    StackingClassifier([("bayes", GaussianNB())]),
    VotingClassifier([("bayes", GaussianNB())], voting="soft"),
    KNeighborsClassifier(),
    MLPClassifier((4,), solver="lbfgs", max_iter=500, random_state=0),
    Ridge(),
)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda each: type(each).__name__)
def test_a_usual_estimator_comes_back_bit_for_bit(estimator):
    rng = np.random.default_rng(0)
    rows = rng.random((200, 3))
    fitted = estimator.fit(rows, (rows[:, 0] + rows[:, 1] > 1).astype(int))
    task = variant.task(fitted)
    again = variant.load(variant.save(fitted, INPUTS), INPUTS, task)
    asked = {name: rows[:40, position] for position, name in enumerate(NAMES)}
    expected = fitted.predict_proba(rows[:40])[:, 1] if task == "binary" else fitted.predict(rows[:40])
    assert again(asked).tolist() == expected.tolist()
