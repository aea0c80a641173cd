"""On-demand functions: what is kept, what is refused, and what they answer."""

import math
from contextlib import closing

import pyarrow as pa
import pytest

from modelwright import features as f
from modelwright.app.connect import connect
from modelwright.core.errors import Invalid
from modelwright.core.schema import DType
from modelwright.features import vectors
from modelwright.features.functions import applied, check, compiled, described
from support.features import hours
from support.homes import fresh_platform

LIMIT = 32.0


def test_the_text_is_kept_with_its_comments_and_without_the_decorator():
    @f.on_demand
    def is_cold(temp: float, place: str | None) -> bool:
        # below freezing
        return temp < 32.0 and place != "oven"

    assert is_cold.code.startswith("def is_cold(temp: float, place: str | None) -> bool:\n    # below freezing\n")
    assert (is_cold.name, is_cold.inputs, is_cold.optional, is_cold.dtype) == (
        "is_cold", ("temp", "place"), ("place",), DType.BOOL,
    )  # fmt: skip
    assert applied(is_cold, compiled(is_cold), {"temp": [1.0, None, 50.0], "place": [None, "x", "y"]}, 3) == [
        True, None, False,
    ]  # fmt: skip


def test_a_lone_function_may_use_math_and_comprehensions():
    feature = described("def far(km: float) -> float:\n    return math.log(sum(abs(each) for each in [km, 1.0]))\n")
    assert applied(feature, compiled(feature), {"km": [1.0]}, 1) == [math.log(2.0)]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("def g(x: float) -> float:\n    return LIMIT\n", "uses LIMIT"),
        ("def g(x: float) -> float:\n    import os\n    return x\n", "Import"),
        ("def g(x: float) -> float:\n    return x.__class__\n", "uses __class__"),
        ("def g(x: float) -> float:\n    return open('/etc/passwd')\n", "uses open"),
        ("def g(x: float) -> float:\n    return eval('1')\n", "uses eval"),
        ("def g(x: float) -> float:\n    while True: pass\n", "While"),
        ("def g(x) -> float:\n    return x\n", "x is not annotated"),
        ("def g(x: list) -> float:\n    return x\n", "x is not annotated"),
        ("def g(x: float):\n    return x\n", "return is not annotated"),
        ("def g(x: float = 1.0) -> float:\n    return x\n", "parameters"),
        ("def g() -> float:\n    return 1.0\n", "parameters"),
        ("def g(*x: float) -> float:\n    return 1.0\n", "parameters"),
        ("async def g(x: float) -> float:\n    return x\n", "one function"),
        ("x = 1\n", "one function"),
        ("def g(x: float) -> float: return (\n", "no Python"),
        ("def g(x: float) -> float:\n    def h(y): return y\n    return h(x)\n", "FunctionDef"),
    ],
)
def test_what_a_function_may_not_do(code, said):
    with pytest.raises(Invalid, match=said):
        described(code)


def test_closures_and_builtins_are_refused():
    secret = 3.0

    def leaking(x: float) -> float:
        return x + secret

    for function in (leaking, len):
        with pytest.raises(Invalid, match="closure"):
            f.on_demand(function)


def test_what_came_over_the_wire_is_checked_before_it_runs():
    """Someone else's definition may say one thing and its text another."""
    from msgspec.structs import replace

    feature = described("def g(x: float) -> float:\n    return x\n")
    for other in (replace(feature, name="h"), replace(feature, inputs=("y",)), replace(feature, code="exit()\n")):
        with pytest.raises(Invalid):
            check(other)
        with pytest.raises(Invalid):
            compiled(other)


def test_a_failure_names_the_feature_and_the_row():
    feature = described("def g(x: float) -> float:\n    return 1.0 / x\n")
    with pytest.raises(Invalid, match=r"g failed on row 1: ZeroDivisionError") as raised:
        applied(feature, compiled(feature), {"x": [1.0, 0.0]}, 2)
    assert "'x': 0.0" in raised.value.remedy


def test_an_answer_of_another_type_is_refused():
    feature = described("def g(x: float) -> int:\n    return x\n")
    with pytest.raises(Invalid, match=r"answered 1\.5, not int64"):
        applied(feature, compiled(feature), {"x": [1.5]}, 1)


def test_the_server_runs_no_function(tmp_path, monkeypatch):
    """Publishing and looking up read the text and compile nothing; the caller's side does."""
    ran = []
    monkeypatch.setattr(vectors, "compiled", lambda feature: ran.append(feature.name) or compiled(feature))
    with closing(fresh_platform(tmp_path)), connect(tmp_path) as ws:
        at = pa.array([hours(0)], pa.timestamp("us", "UTC"))
        ws.data.add("weather", pa.table({"at": at, "k": [1], "temp": [1.0]}), event_time="at")
        doubled = described("def doubled(temp: float) -> float:\n    return temp * 2\n")
        view = f.view("v", [f.source("weather", entity="k", event_time="at").latest("temp"), doubled])
        ws.features.materialize(view)
        assert ws.features.lookup("v@1", {"k": [1]}, (hours(1),)) == {"temp": [1.0]}
        assert ran == []
        assert ws.features.online(view, [{"k": 1}], at=hours(1)) == [{"temp": 1.0, "doubled": 2.0}]
        assert ran == ["doubled"]
