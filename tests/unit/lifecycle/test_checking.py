"""Checks of one's own: from a file in a repository to evidence that a policy asks for; and how inputs are perturbed."""

from __future__ import annotations

import hashlib
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.app.connect import connect
from modelwright.app.home import Home
from modelwright.core.errors import Invalid, NotFound
from modelwright.core.schema import Column, Contract, DType
from modelwright.lifecycle.checking import check, chosen, load, run_checks
from modelwright.lifecycle.perturbing import answered, perturbations
from modelwright.lifecycle.timing import times
from modelwright.models.lookup import Lookup

CHECKS = '''
import modelwright


@modelwright.check("no-leak")
def no_leak(model, rows):
    """No input is the label in disguise."""
    late = rows["late"].to_numpy()
    known = late == late
    scores = model({"bucket": rows["bucket"].to_numpy()})
    return {"share": float((scores[known] == late[known]).mean()), "rows": int(known.sum()), "ok": True, "by": "us"}


@modelwright.check("two-sided")
def two_sided(model, rows):
    return {"low": model({"bucket": [0]})[0]}
'''

CHARTER = {
    "question": "Will it be late?",
    "decision": "hold the connection",
    "kpi": {"metric": "roc_auc", "at_least": 0.6},
    "label": {"column": "late"},
    "owners": {"business": "desk", "technical": "science"},
}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "checks.py"
    path.write_text(CHECKS)
    yield path
    sys.modules.pop("checks", None)


@pytest.fixture
def ws(tmp_path):
    with connect(Home(tmp_path / "home").open(create=True).folder) as opened:
        yield _furnished(opened)


def _furnished(workspace):
    rng = np.random.default_rng(1)
    bucket = rng.integers(0, 10, 1000)
    late = (rng.uniform(size=1000) < bucket / 10).astype(float)
    workspace.data.add("questions", pa.table({"bucket": bucket, "late": late}))
    workspace.charters.publish("delay", CHARTER)
    model = Lookup(["bucket"], {(place,): place / 10 for place in range(10)}, otherwise=0.5)
    workspace.models.save(model, "delay", example={"bucket": bucket})
    return workspace


def test_what_a_check_finds_is_evidence_under_the_digest_of_its_source(ws, file):
    checks = load(file)
    assert list(checks) == ["no-leak", "two-sided"]
    first, second = run_checks(ws, "delay@1", "questions@1", list(checks.values()))
    assert first.values.values == {"share": pytest.approx(0.09, abs=0.05), "rows": 1000.0, "ok": True, "by": "us"}
    assert second.values.values == {"low": 0.0}
    source = checks["no-leak"].source
    assert source.startswith('@modelwright.check("no-leak")')
    assert first.values.source == hashlib.sha256(source.encode()).hexdigest()
    assert [each.slot for each in ws.evidence.list("delay@1")] in (
        ["check.no-leak", "check.two-sided"],
        ["check.two-sided", "check.no-leak"],
    )
    assert ws.evidence.get(first.digest) == first


def test_a_policy_asks_for_it_by_name_and_cannot_ask_for_what_it_did_not_find(ws, file):
    own = "extends: minimal\ngates:\n  check.no-leak: {pass: 'e.%s < 0.5', evidence_max_age: 30d}\n"
    ws.policies.publish(own % "anything")  # nobody knows yet what it will find
    from modelwright.lifecycle.evaluate import evaluate

    evaluate(ws, "delay@1", "questions@1", explain=False)
    (gate,) = [each for each in ws.gates.check("delay@1").gates if each.gate == "check.no-leak"]
    assert (gate.verdict, gate.remedy) == (
        "UNKNOWN",
        "Run: modelwright model check delay@1 --on questions@1 --only no-leak",
    )
    run_checks(ws, "delay@1", "questions@1", list(load(file).values()))
    with pytest.raises(Invalid, match=r"reads e\.anything, which the check did not find") as refused:
        ws.policies.publish(own % "anything")
    assert refused.value.remedy == "It found: by, ok, rows, share."
    ws.policies.publish(own % "share")
    assert {each.gate: each.verdict for each in ws.gates.check("delay@1").gates}["check.no-leak"] == "PASS"
    ws.policies.publish(own % "rows")
    assert {each.gate: each.verdict for each in ws.gates.check("delay@1").gates}["check.no-leak"] == "FAIL"


@pytest.mark.parametrize(
    ("gates", "said"),
    [
        ("check.no-leak: {}", "has no condition"),
        ("check.: {pass: 'e.x > 1'}", "is not a gate"),
        ("check.a: {pass: 'e.x.y > 1'}", "does not exist"),
        ("check.a: {pass: 'e.x > p.y', y: 1}", "is not a parameter"),
    ],
)
def test_a_policy_that_asks_for_a_check_wrongly_is_refused(ws, gates, said):
    with pytest.raises(Invalid, match=said):
        ws.policies.check(f"extends: minimal\ngates:\n  {gates}\n")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({}, "not names with values"),
        ([1], "not names with values"),
        ({"a b": 1}, "cannot name"),
        ({"a": float("nan")}, "no finite number"),
        ({"a": [1]}, "no finite number"),
        (None, "not names with values"),
    ],
)
def test_an_answer_that_no_condition_could_read_is_refused(ws, answer, said):
    @check("odd")
    def odd(model, rows):
        return answer

    with pytest.raises(Invalid, match=said):
        run_checks(ws, "delay@1", "questions@1", [odd])
    assert ws.evidence.list("delay@1") == ()


def test_a_check_that_fails_keeps_nothing_and_says_why(ws):
    @check("broken")
    def broken(model, rows):
        return {"share": rows["nothing"]}

    with pytest.raises(Invalid, match="The check broken failed: KeyError"):
        run_checks(ws, "delay@1", "questions@1", [broken])
    with pytest.raises(Invalid, match="a name"):
        check("not a name")(lambda model, rows: {})


def test_a_file_of_checks_has_some_each_under_its_own_name(tmp_path, file):
    with pytest.raises(NotFound, match="There is no file"):
        load(tmp_path / "nothing.py")
    for name, text, said in (
        ("a.py", "x = 1\n", "has no check"),
        ("b.py", "import nothing_of_that_name\n", "cannot be imported"),
        ("c-d.py", "", "no name of a Python module"),
        ("e.py", CHECKS.replace('"two-sided"', '"no-leak"'), "two checks 'no-leak'"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(Invalid, match=said):
            load(tmp_path / name)
    with pytest.raises(NotFound, match="There is no check 'other'"):
        chosen(load(file), ["other"])
    assert [each.name for each in chosen(load(file), ["two-sided"])] == ["two-sided"]


def test_the_checks_are_those_of_the_file_as_it_is_now(tmp_path):
    """Whatever module of that name is imported already; the digest is that of the function that runs."""
    for folder, found in (("one", 1.0), ("two", 2.0), ("two", 3.0)):
        file = tmp_path / folder / "checks.py"
        file.parent.mkdir(exist_ok=True)
        lines = f"import modelwright\n\n\n@modelwright.check('same')\ndef same(model, rows):\n    x = {found}\n"
        file.write_text(lines + "    return {'x': x}\n" + "#" * int(found))
        (same,) = load(file).values()
        assert same(None, None) == {"x": found}
        assert f"x = {found}" in same.source


CONTRACT = Contract(
    columns=(
        Column(name="hours", dtype=DType.FLOAT64, minimum=0.0, nullable=True),
        Column(name="stops", dtype=DType.INT64, minimum=0.0, maximum=3.0),
        Column(name="flat", dtype=DType.FLOAT64),
        Column(name="origin", dtype=DType.STRING),
        Column(name="tier", dtype=DType.STRING, categories=("a", "b")),
        Column(name="at", dtype=DType.TIMESTAMP, nullable=True),
        Column(name="late", dtype=DType.BOOL, nullable=True),
    )
)


def columns(n: int = 50):
    rng = np.random.default_rng(2)
    return {
        "hours": np.where(rng.uniform(size=n) < 0.1, np.nan, rng.exponential(2, n)),
        "stops": rng.integers(0, 4, n),
        "flat": np.full(n, 7.0),
        "origin": rng.choice(["JFK", "LGA", "never-seen-before"], n).astype(object),
        "tier": rng.choice(["a", "b"], n).astype(object),
        "at": np.full(n, np.datetime64("2026-01-01", "us")),
        "late": rng.choice([True, False], n).astype(object),
    }


@settings(deadline=None)  # NumPy is loaded by the first
@given(noise=st.floats(0.01, 10), seed=st.integers(0, 1000))
def test_whatever_is_done_to_inputs_their_contract_lets_it_come(noise, seed):
    """So that an endpoint would have asked the model the very same."""
    given = columns()
    done = list(perturbations(CONTRACT, given, noise=noise, seed=seed))
    assert [str(each.what) for each, _ in done] == ["noise", "missing", "missing", "missing", "unseen"]
    for perturbation, changed in done:
        assert set(changed) == set(given)
        untouched = set(given) - set(perturbation.columns)
        assert all(changed[name] is given[name] for name in untouched)
        plain = pa.table({name: pa.array(values, from_pandas=True) for name, values in changed.items()}).to_pydict()
        assert CONTRACT.violations(plain) == []
    assert done[0][0].columns == ("hours", "stops")
    assert done[4][0].columns == ("origin",)
    assert not set(done[4][1]["origin"]) & set(given["origin"])


def test_the_noise_is_of_the_columns_own_spread():
    given = {"x": np.random.default_rng(0).normal(5, 3, 20_000)}
    contract = Contract(columns=(Column(name="x", dtype=DType.FLOAT64),))
    ((_, changed),) = perturbations(contract, given, noise=0.2)
    assert (changed["x"] - given["x"]).std() == pytest.approx(0.6, rel=0.05)


def test_a_model_that_cannot_answer_says_so():
    def breaks(columns):
        raise KeyError("origin ZZZ")

    assert answered(breaks, {}, binary=True) == (None, "'origin ZZZ'.")
    assert answered(lambda _: [0.5, 1.5], {}, binary=True) == (None, "It answered 1.5 for 1 of 2 rows.")
    assert answered(lambda _: [0.5, float("nan")], {}, binary=False) == (None, "It answered nan for 1 of 2 rows.")
    scores, error = answered(lambda _: [0.5, 1.5], {}, binary=False)
    assert (scores.tolist(), error) == ([0.5, 1.5], "")


def test_each_answer_that_is_timed_is_to_one_row():
    asked = []

    def predictor(columns):
        asked.append(columns["x"].tolist())
        return columns["x"]

    taken = times(predictor, {"x": np.arange(3.0)}, answers=7)
    assert (len(taken), (taken > 0).all(), len(asked)) == (7, True, 27)
    assert asked[20:] == [[0.0], [1.0], [2.0], [0.0], [1.0], [2.0], [0.0]]
    assert all(len(each) == 1 for each in asked)
