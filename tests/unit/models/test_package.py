"""What is loaded is what was signed, answers as it did, and runs nothing that came with it."""

from __future__ import annotations

import os
import pickle
from functools import partial

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from skops.io import dumps

from modelwright.core import wire
from modelwright.core.errors import Corrupted, Invalid, NotFound, Refused
from modelwright.core.schema import Column, Contract, DType
from modelwright.models.flavours.sklearn import FILE
from modelwright.models.lookup import Lookup
from modelwright.models.model import Manifest, Task, loosened
from modelwright.models.package import FLAVOURS, GOLDEN, loaded, pack, verified
from modelwright.store.estimators import TRUSTED
from modelwright.store.keys import Keys

SKLEARN = FLAVOURS.get("sklearn")
RNG = np.random.default_rng(3)
NUMBERS = {"distance": RNG.normal(size=80).tolist(), "wind": RNG.normal(size=80).tolist()}
LABELS = (np.array(NUMBERS["distance"]) + RNG.normal(size=80) > 0).astype(int)
NUMERIC = Contract(columns=tuple(Column(name=name, dtype=DType.FLOAT64) for name in NUMBERS))
MIXED_ROWS = {"carrier": ["UA", "B6", "AA", "UA"] * 20, "distance": NUMBERS["distance"]}
MIXED = Contract(
    columns=(Column(name="carrier", dtype=DType.STRING), Column(name="distance", dtype=DType.FLOAT64, nullable=True))
)


def side_by_side(rows, dtype=float):
    return np.array(list(zip(*rows.values(), strict=True)), dtype=dtype)


# -- the bytes are the signed ones


@pytest.fixture
def package(registry):
    """A registered package, and how its bytes are read."""
    return registry.models.package(registry.save().ref)


def read(registry):
    return registry.platform.blobs.read


def key(registry):
    return bytes.fromhex(registry.models.signer())


def test_a_package_that_nobody_touched_is_verified_and_answers(registry, package):
    files = verified(package, key(registry), read(registry))
    assert {"MLmodel", "golden.json", "lookup.json", "python_env.yaml", "requirements.txt"} == set(files)
    assert loaded(package.manifest, files)({"carrier": ["UA", "ZZ"]}).tolist() == [0.2, 0.25]
    assert registry.models.load("delay@1")({"carrier": ["UA"]}).tolist() == [0.2]


@pytest.mark.parametrize(
    "change",
    [
        {"task": Task.REGRESSION},
        {"flavour": "sklearn"},
        {"model": "other"},
        {"files": ()},
        {"run_id": "0" * 32},
    ],
)
def test_an_altered_manifest_is_refused(registry, package, change):
    altered = replace(package, manifest=replace(package.manifest, **change))
    with pytest.raises(Corrupted, match=r"The manifest of delay@1 is not the one that was signed"):
        verified(altered, key(registry), read(registry))


def test_an_altered_manifest_whose_digest_fits_lacks_the_signature(registry, package, tmp_path):
    manifest = replace(package.manifest, task=Task.REGRESSION)
    text = wire.canonical(manifest)
    with pytest.raises(Corrupted, match="is not the one that was signed"):
        verified(replace(package, manifest=manifest, digest=wire.sha256(text)), key(registry), read(registry))
    forged = Keys(tmp_path / "other").sign(text, package.signed.payload_type)
    with pytest.raises(Corrupted, match="not signed by the trusted key"):
        verified(
            replace(package, manifest=manifest, digest=wire.sha256(text), signed=forged), key(registry), read(registry)
        )


def test_the_signed_manifest_of_another_version_is_refused(registry, package):
    other = registry.models.package(registry.save(rate=0.3).ref)
    with pytest.raises(Corrupted):
        verified(replace(package, signed=other.signed), key(registry), read(registry))


@pytest.mark.parametrize("path", ["MLmodel", "golden.json", "lookup.json", "requirements.txt"])
@pytest.mark.parametrize(
    "alter", [lambda data: data + b" ", lambda data: data[:-1], lambda data: b"x" + data[1:], lambda _: b""]
)
def test_an_altered_file_is_named(registry, package, path, alter):
    digest = package.manifest.file(path).digest

    def altered(asked):
        data = read(registry)(asked)
        return alter(data) if asked == digest else data

    with pytest.raises(Corrupted, match=rf"{path} of delay@1 has been altered"):
        verified(package, key(registry), altered)


def test_bytes_that_changed_on_disk_are_not_loaded(registry, package):
    digest = package.manifest.file("lookup.json").digest
    path = registry.platform.blobs.verified_path(digest)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"0.2", b"0.9"))
    with pytest.raises(Corrupted):
        registry.models.load("delay@1")


def test_one_file_can_be_fetched_and_no_other(registry, package):
    handle = registry.models.download("delay@1", "lookup.json")
    assert (handle.digest, handle.filename) == (package.manifest.file("lookup.json").digest, "lookup.json")
    with pytest.raises(Invalid, match=r"has no file 'nothing\.json'"):
        registry.models.download("delay@1", "nothing.json")
    with pytest.raises(Invalid, match="a relative path of plain names"):
        registry.models.download("delay@1", "../control.db")
    with pytest.raises(NotFound):
        registry.models.download("delay@2", "lookup.json")


# -- the answers are the packaged ones


def with_golden(files, **change):
    golden = msgspec.json.decode(files[GOLDEN])
    return {**files, GOLDEN: msgspec.json.encode({**golden, **change})}


@pytest.mark.parametrize("answers", [[0.2, 0.25, 0.26], [0.9, 0.25, 0.25], [0.2, 0.25], [0.2, 0.25, 0.25, 0.25]])
def test_a_model_that_answers_otherwise_than_it_did_is_not_loaded(registry, package, answers):
    files = verified(package, key(registry), read(registry))
    with pytest.raises(Corrupted, match="answers its golden rows otherwise"):
        loaded(package.manifest, with_golden(files, answers=answers))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_model_that_answers_no_number_any_more_is_not_loaded(package, monkeypatch, registry, place):
    """NaN is no deviation that could be compared; wherever it stands, it is one too many."""
    files = verified(package, key(registry), read(registry))
    answers = np.array([0.2, 0.25, 0.25])
    answers[place] = np.nan
    monkeypatch.setattr(type(FLAVOURS.get("lookup")), "load", lambda *_: lambda columns: answers)
    with pytest.raises(Corrupted, match="answers its golden rows otherwise"):
        loaded(package.manifest, files)


def test_a_package_keeps_at_most_64_golden_rows(registry):
    lookup = Lookup(["carrier"], {}, otherwise=1.0)
    packed = pack(lookup, Contract(columns=MIXED.columns[:1]), {"carrier": ["UA"] * 500}, requirements="")
    golden = msgspec.json.decode(packed.files[GOLDEN])
    assert len(golden["columns"]["carrier"]) == len(golden["answers"]) == 64


def test_example_rows_that_break_the_contract_are_refused():
    with pytest.raises(Invalid, match="breaks the contract"):
        pack(Lookup(["carrier"], {}, otherwise=1.0), MIXED, {"carrier": ["UA"], "distance": ["far"]}, requirements="")


def test_an_object_that_no_flavour_keeps_is_refused():
    with pytest.raises(Invalid, match=r"No flavour keeps a builtins\.dict"):
        pack({}, MIXED, MIXED_ROWS, requirements="")


def test_a_loosened_contract_lets_columns_be_missing_and_changes_no_other():
    loose = loosened(MIXED, ["carrier"])
    assert [column.nullable for column in loose.columns] == [True, True]
    assert loosened(loose, []) == loose
    assert [column.nullable for column in loosened(NUMERIC, ["wind"]).columns] == [False, True]
    with pytest.raises(Invalid, match="no columns height, weight"):
        loosened(MIXED, ["weight", "height"])


# -- scikit-learn: the same answers


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(),
        HistGradientBoostingClassifier(max_iter=5),
        make_pipeline(StandardScaler(), LogisticRegression()),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_a_classifier_of_numbers_answers_its_own_probability_of_1(estimator):
    table = side_by_side(NUMBERS)
    fitted = estimator.fit(table, LABELS)
    packed = pack(fitted, NUMERIC, NUMBERS, requirements="")
    answers = SKLEARN.load(packed.files, NUMERIC, packed.task)(NUMBERS)
    assert packed.task is Task.BINARY
    assert answers.tobytes() == fitted.predict_proba(table)[:, 1].tobytes()


@pytest.mark.parametrize(
    "estimator", [LinearRegression(), HistGradientBoostingRegressor(max_iter=5)], ids=lambda e: type(e).__name__
)
def test_a_regression_of_numbers_answers_its_own_prediction(estimator):
    table = side_by_side(NUMBERS)
    fitted = estimator.fit(table, table[:, 0] * 2)
    packed = pack(fitted, NUMERIC, NUMBERS, requirements="")
    assert packed.task is Task.REGRESSION
    assert SKLEARN.load(packed.files, NUMERIC, packed.task)(NUMBERS).tobytes() == fitted.predict(table).tobytes()


def test_a_pipeline_of_mixed_columns_answers_its_own_probability_also_where_a_number_is_missing():
    prepare = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore", sparse_output=False), [0]), (StandardScaler(), [1])
    )
    table = side_by_side(MIXED_ROWS, object)
    fitted = make_pipeline(prepare, HistGradientBoostingClassifier(max_iter=5)).fit(table, LABELS)
    packed = pack(fitted, MIXED, MIXED_ROWS, requirements="")
    predictor = SKLEARN.load(packed.files, MIXED, packed.task)
    assert predictor(MIXED_ROWS).tobytes() == fitted.predict_proba(table)[:, 1].tobytes()
    missing = predictor({"carrier": ["UA", "never seen"], "distance": [float("nan"), 0.5]})
    there = fitted.predict_proba(np.array([["UA", np.nan], ["never seen", 0.5]], dtype=object))[:, 1]
    assert missing.tobytes() == there.tobytes()


def test_columns_are_taken_by_name_in_the_contracts_order():
    fitted = LinearRegression().fit(side_by_side(NUMBERS), NUMBERS["wind"])
    predictor = SKLEARN.load(SKLEARN.save(fitted, NUMERIC), NUMERIC, Task.REGRESSION)
    turned = {name: NUMBERS[name] for name in reversed(NUMBERS)} | {"beyond": [0.0] * 80}
    assert predictor(turned).tobytes() == predictor(NUMBERS).tobytes()


@pytest.mark.parametrize("labels", [["no", "yes"], [1, 2], [0, 1, 2], [-1, 1]])
def test_a_classifier_of_other_classes_than_0_and_1_is_refused(labels):
    fitted = LogisticRegression().fit(side_by_side(NUMBERS), (labels * 80)[:80])
    with pytest.raises(Invalid, match="one with the classes 0 and 1 is needed"):
        SKLEARN.task(fitted)


# -- scikit-learn: nothing runs that came with the bytes


@pytest.fixture
def trap(tmp_path):
    """A pipeline that would run a command, and the file that the command would make."""
    made = tmp_path / "made"
    return make_pipeline(FunctionTransformer(os.system, kw_args={}), LinearRegression()), f"touch {made}", made


def test_an_untrusted_type_is_refused_when_it_is_saved(trap, registry):
    pipeline, command, made = trap
    with pytest.raises(Refused, match=r"not on the allow-list: .*system"):
        SKLEARN.save(pipeline, NUMERIC)
    with pytest.raises(Refused):
        SKLEARN.save(FunctionTransformer(partial(os.system, command)), NUMERIC)
    with pytest.raises(Refused):
        registry.models.save(pipeline, "trap", example=NUMBERS)
    assert registry.state == (0, 0, 0)
    assert not made.exists()


def test_an_untrusted_type_is_refused_when_it_is_loaded(trap):
    """Who sends the bytes past ``save`` gains nothing: the list is asked again before anything is built."""
    pipeline, command, made = trap
    for hostile in (pipeline, FunctionTransformer(partial(os.system, command))):
        with pytest.raises(Refused, match="not on the allow-list"):
            SKLEARN.load({FILE: dumps(hostile)}, NUMERIC, Task.REGRESSION)
    assert not made.exists()


def test_a_hostile_package_that_was_registered_all_the_same_is_refused_by_the_loader(trap, registry):
    """Registering takes bytes from whoever holds ``models:write``; it is the loader that must not run them."""
    pipeline, _, made = trap
    registry.models.register("trap", "sklearn", "regression", NUMERIC, [registry.file(FILE, dumps(pipeline))])
    with pytest.raises(Refused, match="not on the allow-list"):
        registry.models.load("trap@1")
    assert not made.exists()


class Bomb:
    """A pickle of this runs a command when it is read."""

    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


@pytest.mark.parametrize("flavour", FLAVOURS.names())
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_unread(trap, flavour, protocol):
    _, command, made = trap
    data = pickle.dumps(Bomb(command), protocol)
    with pytest.raises(Corrupted):
        FLAVOURS.get(flavour).load({FILE: data, "lookup.json": data}, NUMERIC, Task.REGRESSION)
    assert not made.exists()


def test_the_allow_list_names_no_function_and_nothing_outside_scikit_learn_and_numpy():
    assert all(name.startswith(("sklearn.", "numpy.dtype")) for name in TRUSTED)


def test_a_flavour_that_the_shelf_does_not_have_is_not_imported(registry):
    """The name comes from whoever registered: it is looked up on the shelf, never imported as a path."""
    manifest = Manifest(model="x", flavour="os.path", task=Task.REGRESSION, inputs=NUMERIC, files=())
    with pytest.raises((NotFound, Invalid)):
        loaded(manifest, {})
