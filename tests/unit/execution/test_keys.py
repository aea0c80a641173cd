"""A key changes when what a step does changes, and not otherwise."""

import linecache

import pytest

from modelwright.execution.keys import code_of, key_of

MODULE = '''
import json
from functools import lru_cache, wraps

import modelwright as mw
import helpers
from helpers import scaled

RATE = 0.1
NAMES = ["a", "b"]


def scaling(function):
    @wraps(function)
    def inner(x):
        return 2 * function(x)
    return inner


@lru_cache
def cached(x):
    return x + 1


@scaling
def wrapped(x):
    return x


class Model:
    depth = 3

    def fit(self, x):
        return x * self.depth


def inner(x):
    return helper(x) + RATE


def helper(x):
    return len(NAMES) + x


@mw.step(retries=1)
def step(x):
    """What it does."""
    import late

    def local(y):
        return inner(y)

    return [scaled(x), local(x), Model().fit(x), cached(x), wrapped(x), helpers.other(x), json.dumps(x), late.more(x)]


def stranger(x):
    return x
'''
HELPERS = "FACTOR = 2\n\n\ndef scaled(x):\n    return x * FACTOR\n\n\ndef other(x):\n    return x\n"
LATE = "def more(x):\n    return x\n"


@pytest.fixture
def code(project):
    def made(module=MODULE, helpers=HELPERS, late=LATE):
        (project.folder / "helpers.py").write_text(helpers)
        (project.folder / "late.py").write_text(late)
        project._names |= {"helpers", "late"}
        linecache.clearcache()
        return code_of(project.module("steps_of_keys", module).step.function)

    return made


SAME = {
    "a comment": ("    def local(y):", "    # local\n    def local(y):"),
    "layout": ("return x * self.depth", "return (x\n                * self.depth)"),
    "a docstring": ('"""What it does."""', '"""What it really does."""'),
    "how often it is retried": ("retries=1", "retries=5"),
    "a function that nobody names": ("def stranger(x):\n    return x", "def stranger(x):\n    return -x"),
    "where it stands": ("RATE = 0.1", "\n\n\nRATE = 0.1"),
}
OTHER = {
    "its own code": ("return [scaled(x)", "return [-scaled(x)"),
    "a helper's helper": ("return len(NAMES) + x", "return len(NAMES) - x"),
    "a constant": ("RATE = 0.1", "RATE = 0.2"),
    "a list": ('NAMES = ["a", "b"]', 'NAMES = ["a", "c"]'),
    "a method": ("return x * self.depth", "return x / self.depth"),
    "an attribute of a class": ("depth = 3", "depth = 4"),
    "a decorator's code": ("return 2 * function(x)", "return 3 * function(x)"),
    "a function behind a cache": ("return x + 1", "return x + 2"),
    "which decorator": ("@scaling\ndef wrapped", "def wrapped"),
}


@pytest.mark.parametrize("change", SAME)
def test_what_changes_no_result_changes_no_key(change, code):
    before, after = SAME[change]
    assert before in MODULE
    assert code(MODULE.replace(before, after)) == code()


@pytest.mark.parametrize("change", OTHER)
def test_what_changes_a_result_changes_the_key(change, code):
    before, after = OTHER[change]
    assert before in MODULE
    assert code(MODULE.replace(before, after)) != code()


def test_other_modules_of_the_project_count(code):
    first = code()
    assert code(helpers=HELPERS.replace("FACTOR = 2", "FACTOR = 3")) != first
    assert code(late=LATE.replace("return x", "return -x")) != first
    assert code() == first


def test_code_that_was_typed_at_a_prompt_has_a_key():
    def made(text):
        names = {"__name__": "prompt"}
        exec(text, names)
        return code_of(names["f"])

    assert made("def f(x):\n    return x + 1") == made("def f(x):\n\n    return x + 1")
    assert made("def f(x):\n    return x + 1") != made("def f(x):\n    return x + 2")


def test_arguments_and_environment_are_in_the_key():
    assert key_of("a", b"1", "e") == key_of("a", b"1", "e")
    assert len({key_of("a", b"1", "e"), key_of("b", b"1", "e"), key_of("a", b"2", "e"), key_of("a", b"1", "f")}) == 4
