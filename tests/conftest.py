"""For every test."""

import signal

import pytest

# A shell that starts the tests in the background ignores SIGINT for them and for all that they start; tests of Ctrl-C
# send it to their children. A child inherits what is ignored, but not what is handled.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def cluster():
    """A PostgreSQL server of these tests' own."""
    from support.postgres import cluster as running  # weight: psycopg, which most tests do without

    try:
        with running() as found:
            yield found
    except LookupError as error:
        pytest.skip(f"PostgreSQL: {error}")


@pytest.fixture
def database(cluster):
    """The address of a fresh PostgreSQL database."""
    with cluster.database() as url:
        yield url
