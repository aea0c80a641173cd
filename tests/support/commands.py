"""Commands typed in process, and which command says which operation."""

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from modelwright.cli.main import main


class Done(NamedTuple):
    """What a command came to."""

    code: int
    out: str
    err: str


def command(*arguments: object) -> Done:
    """Type ``modelwright …``, and have what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as ended:
            code = ended.code or 0
    return Done(int(code), out.getvalue(), err.getvalue())


class Files:
    """What commands read from files.

    Args:
        folder: Where to write them.
        sent: Digest -> bytes that were uploaded where a command reads a file.
    """

    def __init__(self, folder: Path, sent: dict[str, bytes]) -> None:
        self._folder = folder
        self._sent = sent

    def write(self, name: str, content: str) -> str:
        """A text file."""
        (self._folder / name).write_text(content)
        return str(self._folder / name)

    def uploaded(self, name: str, digest: str) -> str:
        """A file with bytes that were uploaded."""
        (self._folder / name).write_bytes(self._sent[digest])
        return str(self._folder / name)


Typed = Callable[[dict[str, Any], Files], list[Any]]
"""An operation's arguments as the words of its command."""


def _options(arguments: dict[str, Any], *names: str) -> list[Any]:
    given = [name for name in names if name in arguments]
    return [word for name in given for word in (f"--{name.replace('_', '-')}", arguments[name])]


def _data_add(a: dict[str, Any], files: Files) -> list[Any]:
    [part] = a["parts"]
    file = files.uploaded("flights.parquet", part.digest)
    return ["data", "add", a["name"], file, *_options(a, "key", "event_time", "known_at", "note")]


def _user_add(a: dict[str, Any], _: Files) -> list[Any]:
    groups = [word for group in a["groups"] for word in ("--group", group)]
    return ["user", "add", a["name"], *_options(a, "display", "kind"), *groups]


def _label_add(a: dict[str, Any], files: Files) -> list[Any]:
    rows = zip(a["ids"], a["values"], a["known_at"], strict=True)
    lines = [json.dumps({"id": i, "value": value, "known_at": at.isoformat()}) for i, value, at in rows]
    return ["label", "add", a["endpoint"], files.write("labels.jsonl", "\n".join(lines))]


def _charter_publish(a: dict[str, Any], files: Files) -> list[Any]:
    return ["charter", "publish", a["model"], files.write("charter.yaml", json.dumps(a["charter"]))]


def _register(a: dict[str, Any], files: Files) -> str:
    return files.write("risks.yaml", json.dumps(a["register"]))


def _judged(a: dict[str, Any]) -> list[Any]:
    return [a["model"], a["risk"], *_options(a, "reason")]


def _pipeline_start(a: dict[str, Any], _: Files) -> list[Any]:
    return ["pipeline", "start", a["name"], *(f"{name}={json.dumps(value)}" for name, value in a["parameters"].items())]


def _challenge(a: dict[str, Any], _: Files) -> list[Any]:
    looks = [word for look in a["looks"] for word in ("--look", look)]
    return ["endpoint", "challenge", a["endpoint"], a["ref"], *_options(a, "cause"), *looks]


def _monitor_configure(a: dict[str, Any], _: Files) -> list[Any]:
    columns = [word for column in a["columns"] for word in ("--column", column)]
    return ["monitor", "configure", a["endpoint"], *columns, *_options(a, "cadence", "false_alarms_per_year")]


def _pipeline_trigger(a: dict[str, Any], _: Files) -> list[Any]:
    words = ["pipeline", "trigger", a["kind"], a["subject"], "--at", a["at"].isoformat()]
    return [*words, *_options(a, "cause")]


def _ledger_verify(a: dict[str, Any], files: Files) -> list[Any]:
    kept = "\n".join(a.get("against", ()))
    return ["ledger", "verify", *(["--against", files.write("kept.txt", kept)] if kept else [])]


_DOCUMENTS = {
    "model_card": ["doc", "card"],
    "technical_file": ["doc", "technical"],
    "change_report": ["doc", "changes"],
    "declaration": ["doc", "declaration"],
}


def _attest(a: dict[str, Any], _: Files) -> list[Any]:
    names = [word for name in a.get("names", ()) for word in ("--name", name)]
    return ["doc", "attest", a["ref"], a["item"], a["text"], *_options(a, "kind"), *names]


COMMANDS: dict[str, Typed] = {
    "data.commit": _data_add,
    "data.get": lambda a, _: ["data", "show", a["ref"]],
    "data.list": lambda a, _: ["data", "list", *_options(a, "limit", "after")],
    "data.versions": lambda a, _: ["data", "list", a["name"], *_options(a, "limit", "after")],
    "data.verify": lambda a, _: ["data", "verify", a["ref"]],
    "data.diff": lambda a, _: ["data", "diff", a["before"], a["after"]],
    "data.query": lambda a, _: ["data", "query", a["sql"]],
    "features.get": lambda a, _: ["feature", "show", a["ref"]],
    "features.list": lambda a, _: ["feature", "list", *_options(a, "limit", "after")],
    "features.versions": lambda a, _: ["feature", "list", a["name"], *_options(a, "limit", "after")],
    "features.training_sets": lambda a, _: ["feature", "sets", a["ref"], *_options(a, "limit")],
    "features.materialize": lambda a, _: ["feature", "materialize", a["ref"]],
    "features.freshness": lambda a, _: ["feature", "freshness", a["ref"]],
    "runs.get": lambda a, _: ["run", "show", a["run_id"]],
    "runs.list": lambda a, _: ["run", "list", *([a["name"]] if "name" in a else []), *_options(a, "limit", "after")],
    "charters.publish": _charter_publish,
    "charters.get": lambda a, _: ["charter", "show", a["model"]],
    "charters.versions": lambda a, _: ["charter", "list", a["model"]],
    "feasibility.decide": lambda a, _: [
        *["feasibility", "decide", a["model"], a["says"]],
        *_options(a, "stage", "reason", "based_on"),
    ],
    "feasibility.get": lambda a, _: ["feasibility", "show", a["model"]],
    "feasibility.history": lambda a, _: ["feasibility", "history", a["model"]],
    "feasibility.list": lambda a, _: ["feasibility", "list", *_options(a, "limit", "after")],
    "assumptions.record": lambda a, _: [
        *["assumption", "record", a["name"], "--on", a["dataset"]],
        *_options(a, "statement", "reason", "column"),
    ],
    "assumptions.get": lambda a, _: ["assumption", "show", a["name"]],
    "assumptions.versions": lambda a, _: ["assumption", "history", a["name"]],
    "assumptions.list": lambda a, _: ["assumption", "list", *_options(a, "dataset", "view", "limit", "after")],
    "assumptions.of": lambda a, _: ["assumption", "of", a["ref"]],
    "assumptions.withdraw": lambda a, _: ["assumption", "withdraw", a["name"], *_options(a, "reason")],
    "risks.publish": lambda a, files: ["risk", "publish", _register(a, files)],
    "risks.check": lambda a, files: ["risk", "check", _register(a, files)],
    "risks.get": lambda a, _: ["risk", "show", a["model"]],
    "risks.versions": lambda a, _: ["risk", "list", a["model"]],
    "risks.judgements": lambda a, _: ["risk", "judgements", a["model"]],
    "risks.watch": lambda a, _: ["risk", "watch", a["endpoint"]],
    "risks.live": lambda a, _: ["risk", "live", a["endpoint"]],
    "risks.accept": lambda a, _: ["risk", "accept", *_judged(a)],
    "risks.close": lambda a, _: ["risk", "close", *_judged(a)],
    "risks.reopen": lambda a, _: ["risk", "reopen", *_judged(a)],
    "evidence.count_risks": lambda a, _: ["risk", "count", a["ref"]],
    "policies.publish": lambda a, files: ["policy", "publish", files.write("policy.yaml", a["text"])],
    "policies.get": lambda a, _: ["policy", "show", a["tier"]],
    "policies.list": lambda a, _: ["policy", "list"],
    "policies.check": lambda a, files: ["policy", "check", files.write("policy.yaml", a["text"])],
    "policies.simulate": lambda a, files: ["policy", "simulate", files.write("policy.yaml", a["text"])],
    "rechecks.run": lambda a, _: ["recheck", "run", a["endpoint"]],
    "rechecks.run_aliases": lambda a, _: ["recheck", "alias", a["model"]],
    "rechecks.aliases": lambda a, _: ["recheck", "aliases"],
    "rechecks.list": lambda a, _: ["recheck", "list"],
    "emergencies.deploy": lambda a, _: ["emergency", "deploy", a["endpoint"], a["ref"], *_options(a, "reason")],
    "emergencies.end": lambda a, _: ["emergency", "end", a["endpoint"]],
    "emergencies.settle": lambda a, _: ["emergency", "settle"],
    "emergencies.list": lambda a, _: ["emergency", "list", *_options(a, "limit")],
    "models.get": lambda a, _: ["model", "show", a["ref"]],
    "models.list": lambda a, _: ["model", "list"],
    "models.versions": lambda a, _: ["model", "list", a["name"]],
    "models.set_alias": lambda a, _: ["model", "alias", a["ref"], a["alias"], *_options(a, "reason")],
    "models.retire": lambda a, _: ["model", "retire", a["name"], *_options(a, "reason")],
    "models.reinstate": lambda a, _: ["model", "reinstate", a["name"]],
    "gates.check": lambda a, _: ["model", "gate", a["ref"]],
    "gates.phases": lambda a, _: ["model", "phases", a["model"]],
    "gates.decisions": lambda a, _: ["model", "decisions", a["model"]],
    "evidence.list": lambda a, _: ["evidence", "list", a["ref"]],
    "evidence.get": lambda a, _: ["evidence", "show", a["digest"]],
    "checks.reproduce": lambda a, _: ["model", "reproduce", a["ref"], "--with", a["remade"]],
    "effects.get": lambda a, _: ["model", "effect", a["ref"]],
    "effects.realised": lambda a, _: ["endpoint", "effect", a["endpoint"]],
    "endpoints.deploy": lambda a, _: ["endpoint", "deploy", a["endpoint"], a["ref"], "--wait", 0],
    "endpoints.rollback": lambda a, _: ["endpoint", "rollback", a["endpoint"], "--wait", 0, *_options(a, "reason")],
    "endpoints.retire": lambda a, _: ["endpoint", "retire", a["endpoint"], *_options(a, "reason")],
    "endpoints.reopen": lambda a, _: ["endpoint", "reopen", a["endpoint"]],
    "endpoints.get": lambda a, _: ["endpoint", "show", a["endpoint"]],
    "endpoints.list": lambda a, _: ["endpoint", "list"],
    "endpoints.history": lambda a, _: ["endpoint", "history", a["endpoint"]],
    "pipelines.start": _pipeline_start,
    "pipelines.trigger": _pipeline_trigger,
    "pipelines.get": lambda a, _: ["pipeline", "show", a["name"]],
    "pipelines.versions": lambda a, _: ["pipeline", "versions", a["name"]],
    "pipelines.list": lambda a, _: ["pipeline", "list"],
    "pipelines.executions": lambda a, _: ["pipeline", "executions", a["name"], *_options(a, "limit")],
    "pipelines.execution": lambda a, _: ["pipeline", "show", a["execution_id"]],
    "pipelines.steps": lambda a, _: ["pipeline", "steps", a["execution_id"]],
    "pipelines.logs": lambda a, _: ["pipeline", "logs", a["execution_id"], a["step"]],
    "pipelines.cancel": lambda a, _: ["pipeline", "cancel", a["execution_id"]],
    "pipelines.resume": lambda a, _: ["pipeline", "resume", a["execution_id"]],
    "pipelines.declined": lambda a, _: ["pipeline", "declined", a["name"]],
    "pipelines.schedules": lambda a, _: ["pipeline", "schedule"],
    "rollouts.start": _challenge,
    "rollouts.judge": lambda a, _: ["rollout", "judge", a["endpoint"]],
    "rollouts.standing": lambda a, _: ["rollout", "show", a["endpoint"]],
    "rollouts.stop": lambda a, _: ["rollout", "stop", a["endpoint"], *_options(a, "reason")],
    "rollouts.get": lambda a, _: ["rollout", "record", a["id"]],
    "rollouts.list": lambda a, _: ["rollout", "list", a["endpoint"], *_options(a, "limit")],
    "labels.add": _label_add,
    "predictions.get": lambda a, _: ["prediction", "show", a["id"]],
    "predictions.list": lambda a, _: ["prediction", "list", a["endpoint"], *_options(a, "limit")],
    "predictions.counts": lambda a, _: ["prediction", "counts", a["endpoint"]],
    "predictions.performance": lambda a, _: ["prediction", "performance", a["endpoint"]],
    "predictions.traffic": lambda a, _: ["prediction", "traffic", a["endpoint"]],
    "monitors.get": lambda a, _: ["monitor", "show", a["endpoint"]],
    "monitors.list": lambda a, _: ["monitor", "list", *_options(a, "limit", "after")],
    "monitors.run": lambda a, _: ["monitor", "run", a["endpoint"]],
    "monitors.configure": _monitor_configure,
    "monitors.trends": lambda a, _: ["monitor", "trends", a["endpoint"], *_options(a, "limit", "after")],
    "monitors.columns": lambda a, _: ["monitor", "columns", a["endpoint"]],
    "alerts.list": lambda a, _: ["alert", "list", *(["--all"] if a.get("which") == "all" else [])],
    "alerts.get": lambda a, _: ["alert", "show", a["id"]],
    "alerts.acknowledge": lambda a, _: ["alert", "ack", a["id"], *_options(a, "note")],
    "alerts.mute": lambda a, _: ["alert", "mute", a["id"], "--until", a["until"].isoformat(), *_options(a, "note")],
    "alerts.resolve": lambda a, _: ["alert", "resolve", a["id"], *_options(a, "note")],
    "documents.get": lambda a, _: [*_DOCUMENTS[a["kind"]], a["ref"], *_options(a, "against", "digest")],
    "documents.questions": lambda a, _: ["doc", "questions", a["ref"], *_options(a, "kind")],
    "documents.status": lambda a, _: ["doc", "status", a["ref"]],
    "documents.list": lambda a, _: ["doc", "list", a["ref"], *_options(a, "limit", "after")],
    "documents.keep": lambda a, _: ["doc", "keep", a["ref"]],
    "documents.check": lambda a, _: ["doc", "check", a["ref"]],
    "documents.attest": _attest,
    "documents.declare": lambda a, _: ["doc", "declare", a["ref"]],
    "lineage.up": lambda a, _: ["lineage", "up", a["node"]],
    "lineage.down": lambda a, _: ["lineage", "down", a["node"]],
    "approvals.request": lambda a, _: ["approval", "request", a["ref"], *_options(a, "reason", "alias")],
    "approvals.request_phase": lambda a, _: [
        *("approval", "request", a["model"], "--phase", a["phase"]),
        *(["--dataset", a["subject"]] if a["phase"] == "data" else []),
        *_options(a, "reason"),
    ],
    "approvals.get": lambda a, _: ["approval", "show", a["request"]],
    "approvals.list": lambda a, _: [
        *["approval", "list", *_options(a, "limit", "after")],
        *(["--all"] if a.get("which") == "all" else []),
    ],
    "approvals.comment": lambda a, _: ["approval", "comment", a["request"], a["text"]],
    "approvals.sign": lambda a, _: [
        *["approval", "sign", a["request"], "--as", a["role"]],
        *_options(a, "reason", "covers"),
    ],
    "approvals.refuse": lambda a, _: [
        *["approval", "refuse", a["request"], "--as", a["role"]],
        *_options(a, "reason", "covers"),
    ],
    "approvals.revoke": lambda a, _: ["approval", "revoke", a["signature"]],
    "approvals.withdraw": lambda a, _: ["approval", "withdraw", a["request"]],
    "delegations.add": lambda a, _: ["approval", "delegate", a["to"], *_options(a, "role", "days", "reason")],
    "delegations.list": lambda a, _: ["approval", "delegations", *(["--all"] if a.get("which") == "all" else [])],
    "delegations.every": lambda a, _: [
        *["approval", "delegations", "--everywhere", *_options(a, "limit", "after")],
        *(["--all"] if a.get("which") == "all" else []),
    ],
    "delegations.end": lambda a, _: ["approval", "end-delegation", a["delegation"]],
    "notifications.list": lambda a, _: ["notify", "channel", "list"],
    "notifications.remove": lambda a, _: ["notify", "channel", "remove", a["name"]],
    "notifications.test": lambda a, _: ["notify", "channel", "test", a["name"]],
    "notifications.pause": lambda a, _: ["notify", "channel", "pause", a["name"]],
    "notifications.resume": lambda a, _: ["notify", "channel", "resume", a["name"]],
    "notifications.deliveries": lambda a, _: ["notify", "list", *_options(a, "limit", "after")],
    "users.add": _user_add,
    "users.get": lambda a, _: ["user", "show", a["name"]],
    "users.list": lambda a, _: ["user", "list", *_options(a, "limit", "after")],
    "users.commits_as": lambda a, _: ["user", "commits-as", a["name"], *a["addresses"]],
    "users.me": lambda a, _: ["whoami"],
    "users.join": lambda a, _: ["user", "join", a["name"], *a["groups"]],
    "users.disable": lambda a, _: ["user", "disable", a["name"]],
    "users.enable": lambda a, _: ["user", "enable", a["name"]],
    "grants.add": lambda a, _: ["grant", "add", a["role"], "--in", a["project"], *_options(a, "user", "group")],
    "grants.remove": lambda a, _: ["grant", "remove", a["role"], "--in", a["project"], *_options(a, "user", "group")],
    "grants.list": lambda a, _: ["grant", "list"],
    "projects.add": lambda a, _: ["project", "add", a["name"], *_options(a, "description")],
    "projects.list": lambda a, _: ["project", "list"],
    "tokens.list": lambda a, _: ["token", "list", *_options(a, "limit", "after")],
    "tokens.every": lambda a, _: ["token", "list", "--all", *_options(a, "user", "limit", "after")],
    "tokens.revoke": lambda a, _: ["token", "revoke", a["token"]],
    "tokens.withdraw": lambda a, _: ["token", "revoke", a["token"], "--anybodys"],
    "ledger.list": lambda a, _: ["ledger", "list", *_options(a, "limit", "after")],
    "ledger.verify": _ledger_verify,
    "ledger.checkpoint": lambda a, _: ["ledger", "checkpoint"],
    "ledger.receipt": lambda a, _: ["ledger", "receipt", a["seq"]],
    "ledger.consistency": lambda a, files: ["ledger", "consistency", files.write("kept.txt", a["since"])],
    "lifecycle.trace": lambda a, _: ["trace", "prediction", a["prediction_id"]],
    "lifecycle.age": lambda a, _: ["endpoint", "age", a["endpoint"]],
    "lifecycle.overview": lambda a, _: ["status"],
    "search.find": lambda a, _: ["search", a["text"], *_options(a, "limit")],
}
"""Operation -> its command, which prints the operation's answer with ``--json``."""

WITHOUT: dict[str, str] = {
    "data.part": "data export writes every part to one file",
    "features.apply": "ws.features.apply, in the file that declares the view",
    "features.record": "ws.features.training_set makes the set that it records",
    "features.lookup": "feature get computes the whole vector with it",
    "users.names": "pages and scripts name whom the record means by an id",
    "runs.start": "mw.run begins a run around the code it records",
    "runs.log": "run.log, in the code that measures",
    "runs.annotate": "run.note, in the code that knows",
    "runs.read_dataset": "mw.dataset records what a run reads",
    "runs.write_dataset": "run.add_data records what a run makes",
    "runs.keep": "run.keep, in the code that wrote the file",
    "runs.finish": "mw.run ends it, with what it cost",
    "runs.history": "run export writes every point of every metric",
    "runs.artifact": "run export writes every file",
    "models.register": "run.save_model packages the fitted object that it registers",
    "models.package": "what ws.models.load verifies before it loads",
    "models.retirement": "model list says when a model was retired, and its page why",
    "models.signer": "what ws.models.load verifies with",
    "models.download": "what ws.models.load reads",
    "evidence.evaluate": "model evaluate scores the rows that it sends to be judged",
    "evidence.explain": "model evaluate computes the importances that it sends",
    "checks.latency": "model evaluate --latency times the answers that it sends",
    "checks.robustness": "model evaluate --robustness scores the perturbed rows that it sends",
    "checks.record": "model check runs the functions whose findings it sends",
    "lifecycle.compare_ages": "endpoint age --measure sends the scores that it computes",
    "lifecycle.outstanding": "whoever replays a past year asks it",
    "predictions.export": "prediction export writes its bytes to a file",
    "pipelines.define": "pipeline register sends the source of the function that it imports",
    "pipelines.fire": "the job worker looks at the calendar",
    "pipelines.output": "ws.pipelines.result makes the object of it again",
    "executions.open": "pipeline run carries out what it opens",
    "executions.claim": "the job worker takes up what waits",
    "executions.record": "whoever holds an execution reports by itself",
    "executions.finish": "whoever holds an execution ends it by itself",
    "executions.abandon": "the job worker says that a process of its own has died",
    "executions.cached": "whoever holds an execution asks before it runs a step",
    "users.set_password": "user password NAME asks for it, or reads it from a pipe",
    "users.change_password": "user password asks for it, or reads it from a pipe",
    "tokens.add": "token create makes the secret whose hash it sends",
    "tokens.give": "token create --user makes the secret whose hash it sends",
    "documents.make": "doc card, technical, changes and declaration write its bytes",
    "notifications.add": "notify channel add makes the secret that it sends",
    "ledger.excerpt": "ledger export with an option writes every page to one file",
    "ledger.read": "ledger export writes every page to one file",
    "ledger.record_anchor": "ledger anchor records what it has written down",
}
"""Operation -> why no command says it: which verb is composed of it instead."""
