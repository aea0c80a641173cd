"""How the example's models come about: by hand the first time, and by themselves whenever the monitors alarm."""

from datetime import datetime

import train

import features
import modelwright as mw

MODEL, BASELINE, ENDPOINT = "flight-delay", "carrier-and-hour", "delays"
HOLDOUT = "21d"


@mw.pipeline(on=[f"alarm:{ENDPOINT}"], cooldown="28d", budget=8)
def retrain(until: datetime, seed: int = 0) -> str:
    """Learn from everything that was known at a moment, be judged on the last three weeks, and challenge the endpoint.

    Args:
        until: The moment.
        seed: Of everything that is sampled.
    """
    questions = mw.collect(features.view, spine="flights", until=until, name="questions")
    trained = mw.train(
        MODEL,
        questions,
        fit=train.fit,
        until=until,
        holdout=HOLDOUT,
        parameters={"seed": seed},
        slices=("carrier", "origin"),
        seed=seed,
        features=features.view,
        nullable=train.KNOWN,
    )
    return mw.challenge(ENDPOINT, trained)


@mw.pipeline()
def heuristic(until: datetime) -> mw.Trained:
    """What a desk knows by heart, judged like any model: every other one is compared with it."""
    questions = mw.collect(features.view, spine="flights", until=until, name="questions")
    return mw.train(BASELINE, questions, fit=train.heuristic, until=until, holdout=HOLDOUT, inputs=("carrier", "hour"))


@mw.pipeline()
def weak(until: datetime) -> str:
    """A candidate that looks at the distance alone, to see it refused."""
    questions = mw.collect(features.view, spine="flights", until=until, name="questions")
    trained = mw.train(
        MODEL,
        questions,
        fit=train.weak,
        until=until,
        holdout=HOLDOUT,
        slices=("carrier", "origin"),
        features=features.view,
        nullable=train.KNOWN,
    )
    return mw.challenge(ENDPOINT, trained)
