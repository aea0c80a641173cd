"""A home is there or it is not, whoever died while making it, and however many make it."""

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from modelwright.app.home import Home
from modelwright.core.errors import Invalid


class Died(BaseException):
    """What a process that was killed does next: nothing."""


@pytest.mark.parametrize("call", ["mkdir", "chmod", "open", "hardlink_to", "unlink"])
@pytest.mark.parametrize("passing", [1, 2, 3])
def test_a_home_whose_maker_died_can_be_made_again(tmp_path, monkeypatch, call, passing):
    real, passed = getattr(Path, call), []

    def dying(self, *args, **kwargs):
        passed.append(self)
        if len(passed) == passing:
            raise Died
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Path, call, dying)
        with suppress(Died):
            Home(tmp_path / "home").open(create=True)
    home = Home(tmp_path / "home").open(create=True)
    assert home.folder.stat().st_mode & 0o777 == 0o700
    Home(tmp_path / "home").open(create=False)


def test_many_may_make_one_home_at_once(tmp_path):
    failed = []

    def make(folder, gate):
        gate.wait()
        try:
            Home(folder).open(create=True)
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the finding
            failed.append(error)

    for turn in range(40):
        gate = threading.Barrier(6)
        threads = [threading.Thread(target=make, args=(tmp_path / str(turn), gate)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(Invalid, match="not empty"):
        Home(tmp_path).open(create=True)
    assert [place.name for place in tmp_path.iterdir()] == ["letter.txt"]
