"""Kill -9 of everything between a challenger's start, its outcomes and its promotion: each step happens, once."""

import signal
from contextlib import closing

import pytest

import modelwright as mw
from support.challenge import SHARP, asked, concluded, days, home_with_both, mirrored, outcomes, taken_up
from support.house import House, awaits
from support.life import ENDPOINT, MODEL, Stream
from support.load import check_home, check_predictions

pytestmark = pytest.mark.slow


def test_kill_9_of_the_whole_house_between_the_steps_of_a_rollout(tmp_path):
    home = home_with_both(tmp_path)
    house = House(home)
    table = days(1, 14)
    with house:
        with Stream(lambda: house.serving, days(0, 1)) as stream:
            stream.more(60)
            with closing(mw.connect(house.api)) as ws:
                rollout = ws.rollouts.start(ENDPOINT, SHARP, looks=("10d",)).rollout
            assert house.end(signal.SIGKILL) == -signal.SIGKILL
            house.start()
            with closing(mw.connect(house.api)) as ws:
                taken_up(ws)
                ids = asked(house.serving, table)
                mirrored(ws, len(ids))
            assert house.end(signal.SIGKILL) == -signal.SIGKILL
            house.start()
            with closing(mw.connect(house.api)) as ws:
                outcomes(ws, table, ids)
            assert house.end(signal.SIGKILL) == -signal.SIGKILL
            house.start()
            with closing(mw.connect(house.api)) as ws:
                over = concluded(ws)
                assert (over.id, over.outcome) == (rollout.id, "promoted")
            assert house.end(signal.SIGKILL) == -signal.SIGKILL
            house.start()
            stream.more(60, of=SHARP)
        assert stream.failed == []
        with closing(mw.connect(house.api)) as ws:
            awaits(lambda: ws.endpoints.get(ENDPOINT).ready, "every worker answers with the promoted version")
            assert ws.rollouts.list().items == [over]
            assert [moved.version for moved in ws.endpoints.history(ENDPOINT).items] == [2, 1]
            assert ws.models.get(f"{MODEL}@champion").ref == SHARP
            check_predictions(ws, stream)
            assert ws.predictions.counts(ENDPOINT).labelled == len(ids)
    assert "Traceback" not in house.said()
    check_home(home)
