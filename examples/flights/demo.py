"""One model's governed life on a year of real flights: ``python demo.py [folder]``, or ``make demo``.

From data to a governed service and back from one prediction to its bytes. Everything printed is computed on the way:
another seed or other periods print something else. On a terminal it ends with the dashboard, until Ctrl-C.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import data
import httpx
import pyarrow as pa
import train

import modelwright as mw

HERE = Path(__file__).parent
COMMAND = [sys.executable, "-m", "modelwright"]
MARKER = "made-by-the-flights-demo"
MODEL, BASELINE, ENDPOINT = "flight-delay", "carrier-and-hour", "delays"
LAST_DAY = "2014-01-01"
"""The replay ends before it: all of December, whose last evening in New York is January in UTC."""

MOVES = (("2013-08-04", "deploy"), ("2013-08-10", "rollback"), ("2013-08-16", "deploy"))
"""On which days of the replay the second version is swapped in, rolled back, and swapped in again."""

SINCE = f"from {data.FIRST.end} on and before {data.SECOND.end}"
UNTIL = f"after {MOVES[-1][0]} and at most {LAST_DAY}"
CHAPTERS: list[float] = []


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(".demo"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--since", type=written, default=data.FIRST.end, help=f"the day on which the replay begins, {SINCE}"
    )
    parser.add_argument("--until", type=written, default=LAST_DAY, help=f"the day on which it ends, {UNTIL}")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--serve-port", type=int, default=8901)
    given = parser.parse_args()
    if not data.FIRST.end <= given.since < data.SECOND.end or not MOVES[-1][0] < given.until <= LAST_DAY:
        parser.error(f"--since must be {SINCE}, and --until {UNTIL}")
    return given


def main() -> int:
    """Run the demo."""
    given = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end: what Ctrl-C does
    began = time.monotonic()
    fresh(given.folder)
    subprocess.run([*COMMAND, "init", given.folder / "project"], check=True, stdout=subprocess.DEVNULL)
    with mw.connect(given.folder / "project") as ws, ExitStack() as ends:
        step("Flights and weather become dataset versions")
        add_data(ws, given.folder)
        step("The charter says what the model is for, the policy what it must pass")
        publish(ws)
        step("A heuristic, a weak candidate and a real one, trained on January to March")
        prepare(ws, data.FIRST, seed=given.seed)
        release(ws, BASELINE, heuristic, data.FIRST, seed=given.seed)
        weak = release(ws, MODEL, train.weak, data.FIRST, seed=given.seed)
        first = release(ws, MODEL, partial(train.fit, seed=given.seed), data.FIRST, seed=given.seed)
        step("The gates decide who may be champion")
        if champion(ws, weak):
            raise SystemExit("The weak candidate was not refused.")
        promoted(ws, first)
        step("Dashboard, API and two inference workers")
        urls = ends.enter_context(server(ws, given.port, given.serve_port))
        move(ws, "deploy", f"{MODEL}@champion")
        refuse_bad_requests(urls["serve"])
        step("The months after asked again, hour by hour, over HTTP; labels come when flights have landed")
        with replaying(urls, given.since, given.until) as progress:
            follow(progress, until=data.midnight(data.SECOND.end).isoformat())
            step("A second version learns from the months until July and takes over under load")
            prepare(ws, data.SECOND, seed=given.seed)
            judge(ws, f"{BASELINE}@latest", data.SECOND, seed=given.seed)
            second = release(ws, MODEL, partial(train.fit, seed=given.seed), data.SECOND, seed=given.seed)
            promoted(ws, second)
            progress.go_on()
            for day, verb in MOVES:
                follow(progress, until=data.midnight(day).isoformat())
                move(ws, verb, f"{MODEL}@champion")
            sent = follow(progress, until=None)
        step("What came of it")
        settled(ws, sent)
        report(ws, sent)
        say(f"\n{time.monotonic() - began:.0f} s in all")
        if sys.stdout.isatty():
            say(f"The dashboard is at {urls['api']} until Ctrl-C; later: modelwright up --home {ws.where}")
            with suppress(KeyboardInterrupt):
                signal.pause()
    return 0


def add_data(ws: mw.Workspace, folder: Path) -> None:
    """Add both tables twice: the second time finds what is there."""
    files = data.raw(folder / "raw")
    for again in (False, True):
        before = stored_bytes(ws)
        flights = ws.data.add("flights", files.flights, key="flight_id", event_time="sched_dep", known_at="landed_at")
        weather = ws.data.add("weather", files.weather, event_time="observed_at", known_at="observed_at")
        if again:
            say(f"the same again: {stored_bytes(ws) - before:,} bytes more")
        else:
            say(f"{flights}\n{weather}")


def publish(ws: mw.Workspace) -> None:
    """Put charter and policy in force."""
    charter, _ = (ws.charters.publish_file(name, HERE / "charter.yaml") for name in (MODEL, BASELINE))
    policy = ws.policies.publish_file(HERE / "policy.yaml")
    say(f"charter {charter.digest[:12]}: {charter.charter.question} KPI: {charter.charter.kpi}")
    say(f"policy  {policy.digest[:12]}: tier {policy.policy.tier}, gates {', '.join(policy.policy.gates)}")


def prepare(ws: mw.Workspace, period: data.Period, *, seed: int) -> None:
    """Join what was known at each asking time, and keep the result as a dataset version."""
    with mw.run("prepare", workspace=ws, seed=seed, start=period.start, end=period.end) as run:
        flights, weather = (mw.dataset(f"{name}@latest").arrow() for name in ("flights", "weather"))
        table = data.prepare(flights, weather, data.midnight(period.start), data.midnight(period.end))
        times = {"key": "flight_id", "event_time": "asked_at", "known_at": "landed_at"}
        say(str(run.add_data("questions", table, **times)))


def heuristic(table: pa.Table) -> mw.Lookup:
    """What a desk knows by heart, as a model like any other."""
    rates = train.by_carrier_and_hour(table)
    return mw.Lookup.of(rates.table.to_pydict(), keys=["carrier", "hour"], value="rate", otherwise=rates.otherwise)


def release(ws: mw.Workspace, name: str, fit: Any, period: data.Period, *, seed: int) -> Any:
    """Train on what was known at the cut, register the version, and let it be judged on the days after."""
    what = getattr(fit, "func", fit).__name__
    with mw.run(name, workspace=ws, seed=seed, fit=what, cut=period.cut) as run:
        training = mw.dataset("questions@latest", known_at=data.midnight(period.cut)).arrow()
        model = fit(training)
        version = run.save_model(model, name, example=training.select(train.COLUMNS), nullable=train.NUMBERS)
        run.log(rows=training.num_rows)
    judge(ws, version.ref, period, seed=seed)
    return version


def judge(ws: mw.Workspace, ref: str, period: data.Period, *, seed: int) -> None:
    """Evaluate a version on the days after the cut."""
    window = {"since": data.midnight(period.cut), "until": data.midnight(period.end)}
    for evidence in mw.evaluate(ws, ref, "questions@latest", slices=("carrier", "origin"), seed=seed, **window):
        say(f"  {ref:<20} {evidence.summary}")


def promoted(ws: mw.Workspace, version: Any) -> None:
    """Make a version champion; the demo cannot go on when the gates refuse it."""
    if not champion(ws, version):
        raise SystemExit(f"{version.ref} was refused, so there is nothing to serve.")


def champion(ws: mw.Workspace, version: Any) -> bool:
    """Ask the guard, and say what it answers."""
    decision = ws.models.set_alias(version.ref, "champion", reason="demo")
    say(f"{version.ref} -> champion: {'allowed' if decision.allowed else 'REFUSED'}")
    for gate in decision.gates:
        say(f"  {gate.verdict:<8} {gate.gate:<12} {gate.reason}")
    return bool(decision.allowed)


@contextmanager
def server(ws: mw.Workspace, port: int, serve_port: int) -> Iterator[dict[str, str]]:
    """``modelwright up`` in a process of its own, ended with the demo."""
    command = [*COMMAND, "up", "--home", ws.where, "--port", str(port), "--serve-port", str(serve_port)]
    said = Path(ws.where).parent / "server.log"
    with said.open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, process_group=0)  # Ctrl-C is for this process
    urls = {"api": f"http://127.0.0.1:{port}", "serve": f"http://127.0.0.1:{serve_port}"}
    try:
        ready(process, said)
        say(f"{urls['api']} and {urls['serve']} are ready")
        yield urls
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)


def ready(process: "subprocess.Popen[bytes]", said: Path) -> None:
    """Wait until the server says that it answers."""
    began = time.monotonic()
    while "ready" not in (text := said.read_text()):
        if process.poll() is not None:
            raise SystemExit(f"The server ended: {text.strip()}")
        if time.monotonic() - began > 120:
            raise SystemExit(f"The server is not ready after 2 minutes; see {said}.")
        time.sleep(0.05)


def move(ws: mw.Workspace, verb: str, ref: str) -> None:
    """Deploy or roll back, and wait until every worker answers with the new version."""
    moved = ws.endpoints.deploy(ENDPOINT, ref) if verb == "deploy" else ws.endpoints.rollback(ENDPOINT)
    if not moved.decision.allowed:
        raise SystemExit(f"Refused: {moved.decision.reasons}")
    began = time.monotonic()
    endpoint = ws.endpoints.wait(ENDPOINT)
    if not endpoint.ready:
        raise SystemExit(f"Workers do not answer with it: {endpoint.workers}")
    current = endpoint.current
    how = f"{current.action}, generation {current.generation}"
    took = time.monotonic() - began
    say(f"{ENDPOINT} answers with {current.model}@{current.version} ({how}), all workers after {took:.1f} s")


def refuse_bad_requests(serve: str) -> None:
    """Requests that break the contract are refused, with the field's name."""
    row: dict[str, Any] = {"carrier": "UA", "origin": "EWR", "dest": "IAH", "hour": 5, "weekday": 2, "distance": 1400}
    row |= dict.fromkeys(train.NUMBERS[3:], 1.0)
    without = {name: value for name, value in row.items() if name != "carrier"}
    for bad in (without, row | {"hour": "five"}):
        answer = httpx.post(
            f"{serve}/endpoints/{ENDPOINT}/invocations", json={"dataframe_records": [bad]}, trust_env=False
        )
        say(f"{answer.status_code} {answer.json()['message']}")


class Progress:
    """The replay's lines, and the line it waits for.

    Args:
        process: The client.
    """

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        assert process.stdin
        assert process.stdout
        self.answers, self.questions = process.stdout, process.stdin

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for line in self.answers:
            yield json.loads(line)
        if self.process.wait() != 0:
            raise SystemExit("The replay failed.")

    def go_on(self) -> None:
        """Let the client go on."""
        self.questions.write("\n")
        self.questions.flush()


@contextmanager
def replaying(urls: dict[str, str], since: str, until: str) -> Iterator[Progress]:
    """The replay client in a process of its own."""
    times = ["--start", since, "--end", until, "--pause", data.SECOND.end]
    command = [sys.executable, HERE / "replay.py", ENDPOINT, "--serve", urls["serve"], "--api", urls["api"], *times]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0)
    try:
        yield Progress(process)
    finally:
        process.terminate()
        process.wait(timeout=30)


def follow(progress: Progress, *, until: str | None) -> dict[str, Any]:
    """Show the replay's progress until a simulated moment, or to its end."""
    month, seen = "", {}
    for seen in progress:
        if seen["at"][:7] != month:
            month = seen["at"][:7]
            say(
                f"  {seen['at'][:10]}  {seen['requests']:>6,} requests, {seen['failed']} failed,"
                f" {seen['answered']:>8,} predictions, {seen['labels']:>8,} labels"
            )
        if seen.get("waiting") or (until is not None and seen["at"] >= until):
            break
    return seen


def settled(ws: mw.Workspace, sent: dict[str, Any]) -> None:
    """Wait until the log has been shipped to Parquet, which happens beside the service."""
    for _ in range(600):
        counts = ws.predictions.counts(ENDPOINT)
        if counts.in_parquet >= sent["answered"]:
            return
        time.sleep(0.1)


def report(ws: mw.Workspace, sent: dict[str, Any]) -> None:
    """Everything from the log, the registry and the ledger."""
    counts = ws.predictions.counts(ENDPOINT)
    say(f"requests sent {sent['requests']:,}, failed {sent['failed']}")
    say(f"predictions answered {sent['answered']:,} = logged {counts.answered:,} = in Parquet {counts.in_parquet:,}")
    say(
        f"labels given {sent['labels']:,} = joined {counts.labelled:,},"
        f" without a prediction {counts.labels_without_prediction}"
    )
    say("\nAUC by month of asking and version, from the prediction log alone (95 % intervals)")
    for score in ws.predictions.performance(ENDPOINT):
        found = score.interval or score.reason
        say(
            f"  {score.period_start:%Y-%m}  {score.model}@{score.version}  {found}"
            f"  ({score.labelled:,} of {score.n:,} labelled)"
        )
    say("\nVersions")
    for version in ws.models.versions(MODEL).items:
        decision = ws.gates.check(version.ref)
        verdicts = ", ".join(f"{gate.gate} {gate.verdict}" for gate in decision.gates)
        say(f"  {version.ref:<16} {', '.join(version.aliases) or '-':<9} {verdicts}")
    say("\nOne prediction, back to its bytes")
    newest = ws.predictions.list(ENDPOINT, limit=1).items[0]
    say(str(ws.lifecycle.trace(newest.id)))
    ledger = ws.ledger.verify()
    say(f"\nledger {'intact' if ledger.intact else 'ALTERED'}: {ledger.entries} entries, root {ledger.root[:16]}…")
    if sent["failed"] or not sent["answered"] == counts.answered == counts.in_parquet or not ledger.intact:
        raise SystemExit("Something was lost.")


def written(day: str) -> str:
    """A day as it is written everywhere, ``2013-09-01``."""
    return date.fromisoformat(day).isoformat()


def fresh(folder: Path) -> None:
    """An empty folder; what an earlier demo made is removed, anything else is not."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARKER).exists():
            raise SystemExit(f"{folder} is not empty, and no demo made it. Choose another folder.")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()


def stored_bytes(ws: mw.Workspace) -> int:
    """What the home's content takes on disk."""
    return sum(path.stat().st_size for path in (Path(ws.where) / "blobs").rglob("*") if path.is_file())


def step(title: str) -> None:
    """Begin the next chapter."""
    CHAPTERS.append(time.monotonic())
    say(f"\n[{len(CHAPTERS)}/8] {title} ({CHAPTERS[-1] - CHAPTERS[0]:.0f} s)")


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        say("\nInterrupted; the home is usable: modelwright up --home <folder>/project/.modelwright")
        sys.exit(130)
    except ModuleNotFoundError as absent:
        sys.exit(f"Error: {absent}")
