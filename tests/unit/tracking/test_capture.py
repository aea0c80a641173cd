"""What a run says of its code and surroundings is what was there."""

from __future__ import annotations

import re
import subprocess
import sys
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelwright.core import source, wire
from modelwright.core.operation import Upload
from modelwright.core.source import SourceSnapshot, installed, project_root
from modelwright.tracking import capture as room
from modelwright.tracking.capture import capture


class Box:
    """Keeps what is sent; the part of a caller that capturing needs."""

    def __init__(self):
        self.kept = {}

    def upload(self, source):
        digest = wire.sha256(source)
        self.kept[digest] = source
        return Upload(digest=digest, size=len(source))


def git(folder, *arguments):
    words = ["git", "-C", str(folder), "-c", "user.name=anna", "-c", "user.email=anna@example.com", *arguments]
    return subprocess.run(words, check=True, capture_output=True).stdout.decode().strip()


@pytest.fixture
def box():
    return Box()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's folder with a script that is running."""
    folder = tmp_path / "project"
    (folder / "flights").mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[project]\n")
    (folder / "train.py").write_text("import flights\n")
    (folder / "flights" / "__init__.py").write_text("rate = 0.2\n")
    (folder / "data.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "__main__", SimpleNamespace(__file__=str(folder / "train.py")))
    monkeypatch.setattr(sys, "argv", ["train.py", "--depth", "3"])
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    return folder


@pytest.fixture
def repository(project):
    """The project under git, all committed."""
    git(project, "init", "-q", "-b", "main")
    git(project, "add", ".")
    git(project, "commit", "-q", "-m", "first")
    return project


def snapshot(box, found):
    return msgspec.json.decode(box.kept[found.source], type=SourceSnapshot)


def paths(box, found):
    return [file.path for file in snapshot(box, found).files]


def test_the_commit_and_the_branch_are_those_checked_out(repository, box):
    found = capture(box, seeds={"random": 7})
    assert found.commit == git(repository, "rev-parse", "HEAD")
    assert (found.branch, found.diff, found.remote) == ("main", None, None)
    assert found.seeds == {"random": 7}


def test_the_script_and_its_arguments_are_said(project, box):
    found = capture(box, seeds={})
    assert (found.entry_point, found.arguments) == ("train.py", ("--depth", "3"))
    assert found.python == sys.version.split()[0]
    assert set(found.hardware) == {"machine", "system", "cores", "memory_gib"}


@pytest.mark.parametrize(
    "written",
    [
        b"import flights\nprint(1)\n",
        b"import flights\nno newline at the end",
        b"import flights\n\n   \n\t\n",
        b"# caf\xe9 in latin-1\nimport flights\n",
        b"",
    ],
)
def test_the_uncommitted_changes_can_be_applied_to_the_commit_again(repository, box, written):
    """The diff is kept byte for byte: without its last white space, or recoded, git would refuse it."""
    (repository / "train.py").write_bytes(written)
    found = capture(box, seeds={})
    (repository / "change.diff").write_bytes(box.kept[found.diff])
    git(repository, "checkout", "-q", "--", "train.py")
    git(repository, "apply", "change.diff")
    assert (repository / "train.py").read_bytes() == written


def test_a_diff_has_a_bound(repository, box, monkeypatch):
    monkeypatch.setattr(room, "_LARGEST_DIFF", 100)
    (repository / "train.py").write_text("x = 1\n" * 1000)
    assert len(box.kept[capture(box, seeds={}).diff]) == 100


@pytest.mark.parametrize("kind", ["project", "repository"])
def test_the_snapshot_names_every_file_of_code_with_the_digest_of_its_bytes(request, box, kind):
    folder = request.getfixturevalue(kind)
    found = capture(box, seeds={})
    assert paths(box, found) == ["flights/__init__.py", "pyproject.toml", "train.py"]
    for file in snapshot(box, found).files:
        data = (folder / file.path).read_bytes()
        assert (file.digest, file.size) == (wire.sha256(data), len(data))
        assert box.kept[file.digest] == data


def test_the_same_code_is_the_same_snapshot_and_other_code_another(project, box):
    first = capture(box, seeds={}).source
    assert capture(box, seeds={}).source == first
    (project / "flights" / "__init__.py").write_text("rate = 0.3\n")
    assert capture(box, seeds={}).source != first


def test_what_git_ignores_is_not_in_the_snapshot_and_what_is_new_is(repository, box):
    (repository / ".gitignore").write_text("secret.py\n")
    (repository / "secret.py").write_text("token = 1\n")
    (repository / "fresh.py").write_text("\n")
    found = paths(box, capture(box, seeds={}))
    assert "fresh.py" in found
    assert "secret.py" not in found


def test_without_git_hidden_folders_and_caches_are_left_out(project, box):
    for place in (".venv", "__pycache__", "node_modules", "flights/.hidden"):
        (project / place).mkdir()
        (project / place / "x.py").write_text("\n")
    found = capture(box, seeds={})
    assert paths(box, found) == ["flights/__init__.py", "pyproject.toml", "train.py"]
    assert (found.commit, found.branch, found.diff) == (None, None, None)


def test_large_files_and_too_many_are_left_out(project, box, monkeypatch):
    (project / "large.py").write_bytes(b"#" * ((1 << 20) + 1))
    assert "large.py" not in paths(box, capture(box, seeds={}))
    monkeypatch.setattr(source, "_MOST_FILES", 2)
    assert paths(box, capture(box, seeds={})) == ["flights/__init__.py", "pyproject.toml"]


def test_a_file_in_conflict_is_in_the_snapshot_once(repository, box):
    """Git names it once per side."""
    git(repository, "checkout", "-q", "-b", "other")
    (repository / "train.py").write_text("theirs\n")
    git(repository, "commit", "-qam", "theirs")
    git(repository, "checkout", "-q", "main")
    (repository / "train.py").write_text("ours\n")
    git(repository, "commit", "-qam", "ours")
    with pytest.raises(subprocess.CalledProcessError):
        git(repository, "merge", "other")
    assert paths(box, capture(box, seeds={})).count("train.py") == 1


@pytest.mark.parametrize(
    ("remote", "kept"),
    [
        ("https://anna:token@example.com/desk/flights.git", "https://example.com/desk/flights.git"),
        ("https://token@example.com/flights.git", "https://example.com/flights.git"),
        ("https://anna:p@ss@example.com/flights.git", "https://example.com/flights.git"),
        ("https://example.com/flights.git?access_token=secret#secret", "https://example.com/flights.git"),
        ("ssh://git:secret@example.com:22/flights.git", "ssh://example.com:22/flights.git"),
        ("https://[token@example.com/flights.git", None),
        ("git@example.com:desk/flights.git", "git@example.com:desk/flights.git"),
        ("https://example.com/flights.git", "https://example.com/flights.git"),
    ],
)
def test_credentials_are_taken_out_of_the_remote(repository, box, remote, kept):
    git(repository, "config", "remote.origin.url", remote)
    assert capture(box, seeds={}).remote == kept


secrets = st.text("abcXYZ019-_.~!$&'()*+,;=:@%", min_size=1, max_size=20).map(lambda text: f"s3cr3t{text}")


@given(st.sampled_from(["https", "http", "ssh", "git"]), secrets, secrets)
def test_no_credential_is_left_whatever_it_is_made_of(scheme, user, password):
    kept = room._without_credentials(f"{scheme}://{user}:{password}@example.com/desk/flights.git")
    assert kept == f"{scheme}://example.com/desk/flights.git"


def test_the_environment_is_one_pinned_distribution_a_line_sorted(project, box):
    text = installed()
    lines = text.splitlines()
    assert text.endswith("\n")
    assert lines == sorted(set(lines))
    assert all(re.fullmatch(r"[a-z0-9._-]+==\S+", line) for line in lines)
    assert any(line.startswith("msgspec==") for line in lines)
    assert box.kept[capture(box, seeds={}).environment] == text.encode()


def test_the_project_is_the_nearest_folder_with_a_marker(project):
    assert project_root(project / "flights" / "__init__.py") == project
    (project / "flights" / "modelwright.toml").touch()
    assert project_root(project / "flights" / "__init__.py") == project / "flights"


def test_begin_captures_by_itself(project, runs):
    with runs.begin("train", {"depth": 3}, seed=7) as active:
        active.log(loss=1.0)
    found = runs.get(active.id)
    assert found.parameters == {"depth": "3"}
    assert found.capture.entry_point == "train.py"
    assert found.capture.seeds["random"] == 7
    assert found.metrics == {"loss": 1.0}
