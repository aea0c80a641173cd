"""One model's governed life on a year of real flights: ``python demo.py [folder]``, or ``make demo``.

From data to a governed service that keeps itself healthy, and back from one prediction to its bytes. The people in it
are simulated: one trains, two others sign. After the first deployment nobody does anything but sign: monitors alarm, a
pipeline retrains, the challenger runs in the shadow and is promoted or refused. Everything printed is computed on the
way: another seed or other days print something else. On a terminal it ends with the dashboard, until Ctrl-C.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import data
import httpx
import pipeline
from people import TOKEN, YOU, Team

import features
import modelwright as mw
from modelwright.governance.effects.model import Replay

HERE = Path(__file__).parent
COMMAND = [sys.executable, "-m", "modelwright"]
MARKER = "made-by-the-flights-demo"
MODEL, BASELINE, ENDPOINT = pipeline.MODEL, pipeline.BASELINE, pipeline.ENDPOINT
FIRST_DAY, LAST_DAY = "2013-04-01", "2014-01-01"
"""What is known before the first day is learned from; the replay begins there and ends before the last day."""

CHAPTERS: list[float] = []
OF_ALL = 8


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(".demo"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--until", type=written, default=LAST_DAY, help=f"the day on which it ends, by {LAST_DAY}")
    parser.add_argument("--port", type=int, default=8900)
    parser.add_argument("--serve-port", type=int, default=8901)
    given = parser.parse_args()
    if not FIRST_DAY < given.until <= LAST_DAY:
        parser.error(f"--until must be after {FIRST_DAY} and at most {LAST_DAY}")
    return given


def main() -> int:
    """Run the demo."""
    given = arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # told to end: what Ctrl-C does
    began = time.monotonic()
    fresh(given.folder)
    subprocess.run([*COMMAND, "init", given.folder / "project"], check=True, stdout=subprocess.DEVNULL)
    with mw.connect(given.folder / "project") as ws, ExitStack() as ends:
        team = Team(ws)
        with team.acting("ada") as ada:
            step("Flights and weather become dataset versions, features are declared on them")
            add_data(ada, given.folder)
            add_features(ada)
            step("The charter says what the model is for, the policy what it must pass and who must sign")
            publish(ada, team)
            step("One pipeline: a heuristic, a weak candidate that is refused, a first version; on January to March")
            first_versions(ada, seed=given.seed)
            step("Who made it cannot sign it; two others look at it and do")
            signed(ada, team)
            step("Dashboard, API, two inference workers and the job worker, which gets the pipeline")
            registered = ada.pipelines.register(pipeline.retrain)
            say(f"{registered.pipeline}@{registered.version} waits for: {', '.join(registered.definition.triggers)}")
        urls = ends.enter_context(server(ws, given.port, given.serve_port))
        answering(ws)
        refuse_bad_requests(urls["serve"], team)
        step("The months after, asked hour by hour over HTTP; labels come when flights have landed; people only sign")
        with replaying(urls, given.until, team) as progress:
            sent = follow(ws, progress, team)
        step("The first version answers everything again, to be compared with those that followed")
        compare_ages(ws)
        step("What came of it")
        settled(ws, sent)
        report(ws, sent)
        say(f"\n{time.monotonic() - began:.0f} s in all")
        if sys.stdout.isatty():
            say(f"The dashboard is at {urls['api']} until Ctrl-C; later: modelwright up --home {ws.where}")
            say(f"Sign in as {YOU} with the password {team.password}")
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


def add_features(ws: mw.Workspace) -> None:
    """Publish the view, and bring its values to where endpoints look them up, each as of the moment it was known."""
    view = ws.features.apply(features.view)
    fresh = ws.features.materialize(view)
    say(f"{view.ref}: {', '.join(column.name for column in view.columns)}")
    say(f"online until {fresh.until:%Y-%m-%d %H:%M}Z; a question gets what was known when it is asked")


def publish(ws: mw.Workspace, team: Team) -> None:
    """Put charter and policy in force; who trains does not say what must be passed."""
    charter, _ = (ws.charters.publish_file(name, HERE / "charter.yaml") for name in (MODEL, BASELINE))
    with team.acting("abel") as approver:
        policy = approver.policies.publish_file(HERE / "policy.yaml")
    asked = " and ".join(map(str, policy.policy.signoffs))
    say(f"charter {charter.digest[:12]}: {charter.charter.question} KPI: {charter.charter.kpi}")
    say(f"policy  {policy.digest[:12]}: tier {policy.policy.tier}, gates {', '.join(policy.policy.gates)}")
    say(f"{asked} must sign, none of them the author")


def first_versions(ws: mw.Workspace, *, seed: int) -> None:
    """Run the pipeline by hand, three times."""
    until = data.midnight(FIRST_DAY)
    for run, more in ((pipeline.heuristic, {}), (pipeline.weak, {}), (pipeline.retrain, {"seed": seed})):
        execution = run.run(workspace=ws, until=until, **more)
        steps = ws.pipelines.steps(execution.id)
        took = (execution.ended_at - execution.started_at).total_seconds()
        say(f"{execution.pipeline}: {', '.join(one.id for one in steps)} in {took:.1f} s")
        came = ws.pipelines.result(execution.id)
        say(f"  {came if isinstance(came, str) else came.ref + ' is what the others are compared with'}")
    for version in reversed(ws.models.versions(MODEL).items):
        decision = ws.gates.check(version.ref)
        say(f"{version.ref}: {'passes' if decision.allowed else 'DOES NOT PASS'}")
        for gate in decision.gates:
            say(f"  {gate.verdict:<8} {gate.gate:<12} {gate.reason}")
        say(f"  would bring {foreseen(ws.effects.get(version.ref).values)}")


def foreseen(effect: Replay) -> str:
    """What a version would have brought on the three weeks that judged it, by the charter's assumed values."""
    heuristic = effect.against_the("baseline")
    more = f", {heuristic.gain} more than {heuristic.ref}" if heuristic is not None and heuristic.gain else ""
    return f"{effect}{more}"


def signed(ws: mw.Workspace, team: Team) -> None:
    """Ada asks for signatures, tries to give one herself, and deploys when others have."""
    version = ws.models.get(f"{MODEL}@latest")
    request = ws.approvals.request(version.ref, "It beats what the desk knows by heart.").request
    own = ws.approvals.sign(request.id, "approver", "I made it, and it is good.")
    if own.signature is not None:
        raise SystemExit("Somebody signed their own work.")
    say(f"ada (simulated) tries to sign what she made, and is refused: {own}")
    for line in team.sign(request.id):
        say(line)
    ws.models.set_alias(version.ref, "champion", reason="the first version").require()
    moved = ws.endpoints.deploy(ENDPOINT, version.ref, reason="the first version")
    say(str(moved.decision.require()))


def answering(ws: mw.Workspace) -> None:
    """Wait until every worker answers with what is deployed."""
    began = time.monotonic()
    endpoint = ws.endpoints.wait(ENDPOINT)
    if not endpoint.ready:
        raise SystemExit(f"Workers do not answer: {endpoint.workers}")
    current = endpoint.current
    say(
        f"{ENDPOINT} answers with {current.model}@{current.version}, all workers after {time.monotonic() - began:.1f} s"
    )


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


def refuse_bad_requests(serve: str, team: Team) -> None:
    """Questions that break the contract are refused, with the column's name; those of nobody are refused first."""
    row: dict[str, Any] = {"carrier": "UA", "origin": "EWR", "dest": "IAH", "hour": 5, "weekday": 2, "distance": 1400}
    without = {name: value for name, value in row.items() if name != "carrier"}
    known = {"authorization": f"Bearer {team.desk}"}
    for bad, headers in ((row, {}), (without, known), (row | {"hour": "five"}, known)):
        answer = httpx.post(
            f"{serve}/endpoints/{ENDPOINT}/invocations",
            json={"dataframe_records": [bad], "params": {"event_at": f"{FIRST_DAY}T04:00:00Z"}},
            headers=headers,
            trust_env=False,
        )
        say(f"{answer.status_code} {answer.json()['message']}")


@contextmanager
def replaying(urls: dict[str, str], until: str, team: Team) -> Iterator[Iterator[dict[str, Any]]]:
    """The replay client in a process of its own, with the desk's token; answers its lines."""
    command = [sys.executable, HERE / "replay.py", ENDPOINT, "--serve", urls["serve"], "--api", urls["api"]]
    process = subprocess.Popen(
        [*command, "--start", FIRST_DAY, "--end", until],
        stdout=subprocess.PIPE,
        text=True,
        process_group=0,
        env={**os.environ, TOKEN: team.desk},
    )
    assert process.stdout
    try:
        yield map(json.loads, process.stdout)
        if process.wait() != 0:
            raise SystemExit("The replay failed.")
    finally:
        process.terminate()
        process.wait(timeout=30)


def follow(ws: mw.Workspace, progress: Iterator[dict[str, Any]], team: Team) -> dict[str, Any]:
    """Show the replay's progress month by month, and what the platform does meanwhile, as the ledger tells it.

    Whoever is asked to sign does so on the day after.
    """
    month, seen, entry = "", {}, ws.ledger.list(limit=1).items[0].envelope.seq
    for seen in progress:
        if seen["at"][:7] != month:
            month = seen["at"][:7]
            say(
                f"  {seen['at'][:10]}  {seen['requests']:>6,} requests, {seen['failed']} failed,"
                f" {seen['answered']:>8,} predictions, {seen['labels']:>8,} labels"
            )
        for event in reversed(ws.ledger.list(limit=100).items):
            if event.envelope.seq > entry:
                entry = event.envelope.seq
                if line := told(event.envelope.kind, event.envelope.body):
                    say(f"  {seen['at'][:10]}    {line}")
        for open_one in ws.approvals.list().items:
            for line in team.sign(open_one.request.id):
                say(f"  {seen['at'][:10]}    {line}")
    return seen


def told(kind: str, body: dict[str, Any]) -> str:  # noqa: PLR0911  # one line for each kind
    """What happened by itself, on one line; nothing of what else the ledger holds."""
    match kind:
        case "alerts.alert_raised" if body["severity"] == "alarm":
            return f"ALARM {body['rule']}: {body['summary']}"
        case "pipelines.execution_queued":
            return (
                f"{body['pipeline']} starts, on what was known at {body['at'][:10]}, because of {body['cause']['kind']}"
            )
        case "pipelines.trigger_declined":
            return f"{body['pipeline']} does not start: {body['reason']}"
        case "pipelines.execution_ended" if body["status"] != "succeeded":
            return f"{body['pipeline']} {body['status']}; why: modelwright pipeline show {body['execution_id']}"
        case "models.version_registered":
            return f"{body['model']}@{body['version']} was trained"
        case "governance.transition_decided" if not body["decision"]["allowed"]:
            return "refused by the gates: " + "; ".join(
                gate["reason"]
                for gate in body["decision"]["gates"]
                if gate["verdict"] not in ("PASS", "NOT_APPLICABLE", "ATTESTED")
            )
        case "rollouts.started":
            return f"{body['model']}@{body['version']} runs in the shadow of version {body['answering']['version']}"
        case "rollouts.unsigned":
            return f"{body['model']}@{body['version']} is to be promoted, and waits for signatures"
        case "rollouts.concluded":
            return f"{body['model']}@{body['version']} {body['outcome'].upper()}: {' '.join(body['reasons'])}"
    return ""


def compare_ages(ws: mw.Workspace) -> None:
    """Age against quality: the first version frozen, beside what was answered."""
    age = mw.measure_age(ws, ENDPOINT)
    say(f"AUC by month: {age.frozen} frozen, what was answered, and the difference (95 % intervals over days)")
    for point in age.points:
        found = f"{point.frozen}  {point.live}  {point.difference}" if point.difference else point.reason
        say(f"  {point.period_start:%Y-%m}  {point.live_version}  {found}  ({point.n:,} flights)")


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
    brought = ws.effects.realised(ENDPOINT)
    say("\nMoney, by values that this example assumes")
    say(f"  {brought.model}@{brought.version} was to bring {brought.promised or 'something unknown'}; {brought}")
    say("\nWhat happened by itself")
    happened(ws)
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


def happened(ws: mw.Workspace) -> None:
    """Alarms, retrainings and their causes, rollouts and their outcomes."""
    alerts = [alert for alert in ws.alerts.list(ENDPOINT, which="all").items if alert.severity == "alarm"]
    for alert in sorted(alerts, key=lambda alert: alert.raised_at):
        say(f"  {alert.raised_at:%Y-%m-%d}  alarm {alert.rule} of version {alert.version}: {alert.finding.summary}")
    if not alerts:
        say("  nothing alarmed")
    for execution in reversed(ws.pipelines.executions(pipeline.retrain.name).items):
        if execution.cause.kind != "manual":
            why = f": {execution.error}" if execution.error else ""
            say(f"  {execution.at:%Y-%m-%d}  {execution.pipeline} {execution.status} after {execution.cause.kind}{why}")
    for declined in reversed(ws.pipelines.declined(pipeline.retrain.name).items):
        say(f"  {declined.at:%Y-%m-%d}  no retraining: {declined.reason}")
    for rollout in reversed(ws.rollouts.list(ENDPOINT).items):
        outcome = rollout.outcome or "still in the shadow"
        say(f"  {rollout.began_at:%Y-%m-%d}  {rollout.challenger.ref} {outcome}: {' '.join(rollout.reasons)}")
    say(f"  {ws.monitors.get(ENDPOINT)}")


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
    say(f"\n[{len(CHAPTERS)}/{OF_ALL}] {title} ({CHAPTERS[-1] - CHAPTERS[0]:.0f} s)")


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
