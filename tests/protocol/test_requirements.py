"""The clients' environment."""

from support import clients


def _pins(text):
    named = (line.partition(";")[0].partition("==") for line in text.splitlines() if "==" in line)
    return {name.partition("[")[0].lower(): version.strip() for name, _, version in named}


def test_clients_load_packages_with_the_libraries_that_made_them():
    """A package names its library versions, and another one's answers may differ."""
    ours = _pins((clients.ROOT / "constraints.txt").read_text())
    theirs = _pins(clients.REQUIREMENTS.read_text())
    for name in ("numpy", "scikit-learn", "scipy", "skops"):
        assert theirs[name] == ours[name]
