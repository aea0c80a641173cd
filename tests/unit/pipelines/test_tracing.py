"""A pipeline's body becomes a graph: deterministic, without circles, and with clear words where it cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import modelwright as mw
from modelwright.core.errors import Invalid
from modelwright.pipelines.tracing import Graph, filled, traced


@mw.step
def join(*values, **more):
    return [values, more]


@mw.step
def one(x=0):
    return x + 1


def graph_of(shape):
    """A body that calls a step for each entry, with the results of the earlier ones it names."""

    def body():
        made = []
        for number, earlier in enumerate(shape):
            taken = [made[place % number] for place in earlier] if number else []
            made.append(join(number, taken, nested={"deep": (taken[:1],)}))
        return made[-1:]

    return traced(body, {})


SHAPES = st.lists(st.lists(st.integers(0, 50), max_size=4), max_size=20)


@given(SHAPES)
def test_every_arrow_points_to_an_earlier_step(shape):
    graph = graph_of(shape)
    order = {name: place for place, name in enumerate(graph.nodes)}
    assert all(order[before] < order[node.id] for node in graph.nodes.values() for before in node.after)


@given(SHAPES)
def test_the_same_body_makes_the_same_graph(shape):
    assert graph_of(shape).plan == graph_of(shape).plan


@given(SHAPES)
def test_the_arrows_are_just_the_results_that_are_taken(shape):
    graph = graph_of(shape)
    names = list(graph.nodes)
    for number, (node, earlier) in enumerate(zip(graph.nodes.values(), shape, strict=True)):
        assert set(node.after) == ({names[place % number] for place in earlier} if number else set())


def test_steps_are_named_after_their_functions_and_numbered():
    assert list(traced(lambda: [one(), one(), join()], {}).nodes) == ["one", "one#2", "join"]


def test_outside_a_pipeline_a_step_is_its_function():
    assert one(41) == 42
    assert join(1, a=2) == [(1,), {"a": 2}]


def test_a_pipeline_called_plainly_runs_its_steps():
    @mw.pipeline()
    def both(x: int):
        return join(one(x), [one(one(x))])

    assert both(1) == [(2, [3]), {}]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (lambda: one() and 1, "compare it"),
        (lambda: list(one()), "go through it"),
        (lambda: len(one()), "count it"),
        (lambda: f"model-{one()}", "write it into a text"),
        (lambda: one().shape, "use its .shape"),
        (lambda: one()[1.5], "key or a position"),
        (lambda: one(y=1), "unexpected keyword argument 'y'"),
        (lambda: one(1, 2), "too many positional arguments"),
    ],
)
def test_what_a_body_cannot_do_is_said(body, words):
    with pytest.raises(Invalid, match=words.replace(".", r"\.")):
        traced(body, {})


def test_a_result_of_another_graph_is_refused():
    leaked = []
    traced(lambda: leaked.append(join(one())), {})
    with pytest.raises(Invalid, match="another pipeline"):
        traced(lambda: one(leaked[0]), {})


def test_a_part_of_a_result_is_named_by_its_path():
    graph = traced(lambda: one(join()["train"][0]), {})
    node = graph.nodes["one"]
    [mark] = filled(node.args, {"join": "d" * 64})
    assert (mark.digest, mark.path) == ("d" * 64, ("train", 0))


def test_a_graph_is_not_left_open_by_a_body_that_fails():
    with pytest.raises(ZeroDivisionError):
        traced(lambda: one(1 // 0), {})
    assert one(1) == 2


def test_too_many_steps_are_refused(monkeypatch):
    monkeypatch.setattr("modelwright.pipelines.tracing.MOST_STEPS", 3)
    graph = Graph()
    for _ in range(3):
        graph.add(one, (), {})
    with pytest.raises(Invalid, match="more than 3 steps"):
        graph.add(one, (), {})
