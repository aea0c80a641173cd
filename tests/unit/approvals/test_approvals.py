"""Who signs what: two people other than the authors, on what they looked at, until it changes."""

import os
import subprocess
from datetime import timedelta

import pytest
from msgspec.structs import replace

import modelwright as mw
from modelwright.access.credentials import SHOWN, hashed, new_token
from modelwright.app.connect import Workspace
from modelwright.app.entrance import Presented
from modelwright.app.workspace import LocalCaller
from modelwright.approvals.model import State
from modelwright.approvals.repository import signatures
from modelwright.core.errors import Conflict, Corrupted, Denied, Invalid, NotFound
from modelwright.core.events import Actor
from modelwright.core.guard import Verdict
from modelwright.core.identity import Identity
from modelwright.facts.model import Attested
from modelwright.tracking.model import Capture
from support.challenge import JANUARY
from support.life import BASELINE, CHARTER, MODEL, real
from support.people import do
from support.signing import Team


@pytest.fixture
def team(tmp_path):
    made = Team(tmp_path)
    yield made
    made.platform.close()


def test_a_version_of_a_standard_tier_is_promoted_when_two_others_have_signed(team):
    refused = team.promote()
    assert not refused.allowed
    assert [gate.gate for gate in refused.gates if not gate.verdict.passes] == [
        "signed-off.approver",
        "signed-off.validator",
    ]
    request = team.asked()
    assert [each.state for each in team.vera.approvals.list().items] == [State.OPEN]
    team.signed(request)
    found = team.ada.approvals.get(request)
    assert found.state is State.SIGNED
    assert [gate.verdict for gate in found.signoffs] == [Verdict.ATTESTED, Verdict.ATTESTED]
    assert team.promote().allowed
    assert team.ada.models.get(f"{MODEL}@champion").version == 1


def test_who_trained_it_cannot_sign_it_and_the_attempt_is_on_record(team):
    do(team.platform, "grants.add", role="approver", project="default", user="ada")
    ada = team.space("ada")
    request = team.asked()
    came = ada.approvals.sign(request, "approver", "it is good, believe me")
    assert came.signature is None
    assert came.refused == f"You registered {MODEL}@1, and nobody signs their own work."
    [entry] = do(team.platform, "ledger.list", kind="approvals.signing_refused").items
    assert (entry.envelope.actor_id, entry.envelope.body["why"]) == (team.ids["ada"], "author")
    assert not team.promote().allowed


def test_nobody_signs_as_what_they_are_not(team):
    request = team.asked()
    assert "do not sign as approver" in team.vera.approvals.sign(request, "approver", "me too").refused
    for name in ("otto", "ada"):
        with pytest.raises(Denied):
            team.spaces[name].approvals.sign(request, "validator", "me too")


def test_new_evidence_kills_what_was_signed_on_the_old(team):
    request = team.asked()
    team.signed(request)
    assert team.promote().allowed
    mw.evaluate(
        team.ada, f"{MODEL}@1", "questions@1", since=JANUARY + timedelta(days=10), slices=["group"], explain=False
    )
    assert team.ada.approvals.get(request).state is State.OUTDATED
    again = team.ada.gates.check(f"{MODEL}@1")
    assert not again.allowed
    assert "covers another evidence" in " ".join(gate.reason for gate in again.gates)
    with pytest.raises(Conflict, match="is over"):
        team.nina.approvals.sign(request, "approver", "too late")


def test_another_owner_costs_no_signature_and_another_decision_costs_all(team):
    """A signature covers what the answers are for; evidence is about what they are judged by, and stays."""
    request = team.asked()
    team.signed(request)
    said = {**CHARTER, "kpi": {**CHARTER["kpi"], "slice_floor": 0.6}, "tier": "standard"}
    particulars = {"owners": {"business": "b", "technical": "t"}, "stakeholders": [{"who": "riders", "role": "wait"}]}
    team.ada.charters.publish(MODEL, {**said, **particulars})
    assert team.ada.approvals.get(request).state is State.SIGNED
    assert team.promote().allowed
    team.ada.charters.publish(MODEL, {**said, **particulars, "decision": "send them home"})
    assert team.ada.approvals.get(request).state is State.OUTDATED
    refused = [gate for gate in team.ada.gates.check(f"{MODEL}@1").gates if not gate.verdict.passes]
    assert {gate.gate for gate in refused} == {"signed-off.approver", "signed-off.validator"}
    assert "covers another charter" in refused[0].reason


def test_a_refusal_stops_everything_until_it_is_taken_back(team):
    request = team.asked()
    team.signed(request)
    refusal = team.nina.approvals.refuse(request, "approver", "the slice of UA is thin").signature
    assert team.ada.approvals.get(request).state is State.REFUSED
    assert "Somebody refused as approver" in " ".join(team.promote().reasons)
    with pytest.raises(Denied, match="somebody else's"):
        team.abel.approvals.revoke(refusal.id)
    team.nina.approvals.revoke(refusal.id)
    assert team.promote().allowed


def test_who_looked_at_something_else_signs_nothing(team):
    request = team.asked()
    seen = team.abel.approvals.get(request).covers
    with pytest.raises(Conflict, match="changed since you looked"):
        team.abel.approvals.sign(request, "approver", "fine", covers="0" * 64)
    assert team.abel.approvals.sign(request, "approver", "fine", covers=seen).signature


def test_a_signature_that_was_altered_in_the_rows_is_found(team):
    request = team.asked()
    team.signed(request)
    with team.platform.records.writing() as rows:
        for row in rows.execute(signatures.select()).all():
            forged = replace(row.body, signature=replace(row.body.signature, by=team.ids["otto"]))
            rows.execute(signatures.update().where(signatures.c.id == row.id).values(body=forged))
    with pytest.raises(Corrupted, match="not what was signed"):
        team.ada.gates.check(f"{MODEL}@1")


def test_the_same_is_asked_once_and_what_needs_no_signature_is_said(team):
    request = team.asked()
    assert team.asked() == request
    assert team.ada.approvals.withdraw(request).state is State.WITHDRAWN
    assert team.asked() != request
    with pytest.raises(Invalid, match="Nobody has to sign"):
        team.ada.approvals.request(f"{BASELINE}@1", "please")
    with pytest.raises(NotFound):
        team.ada.approvals.get("0" * 32)


def test_what_people_say_stays_out_of_the_ledger(team):
    request = team.asked()
    team.vera.approvals.comment(request, "What of the <b>UA</b> rows?")
    team.signed(request)
    team.nina.approvals.refuse(request, "approver", "it is biased, I say")
    assert not team.promote().allowed
    found = team.ada.approvals.get(request)
    assert [each.text for each in found.request.comments] == ["What of the <b>UA</b> rows?"]
    kept = "".join(str(entry.envelope) for entry in do(team.platform, "ledger.list", limit=100).items)
    for words in ("UA</b>", "held-out rows are later", "better than the heuristic", "biased"):
        assert words not in kept
    assert "approvals.signed" in kept


def test_an_endpoint_wants_the_same_signatures(team):
    assert not team.otto.endpoints.deploy("lateness", f"{MODEL}@1").decision.allowed
    team.signed(team.asked())
    assert team.otto.endpoints.deploy("lateness", f"{MODEL}@1").decision.allowed


def test_documents_tell_who_signed_and_whose_signature_is_lacking(team):
    def about_signatures():
        document = team.ada.documents.get(f"{MODEL}@1", "change_report")
        return [
            said
            for part in document.sections
            for item in part.items
            if item.id == "signatures"
            for said in item.statements
        ]

    assert [said.state.value for said in about_signatures()] == ["MISSING", "MISSING"]
    team.signed(team.asked())
    said = about_signatures()
    assert [(one.state.value, one.text, one.by) for one in said] == [
        ("ATTESTED", "Signed as validator.", team.ids["vera"]),
        ("ATTESTED", "Signed as approver.", team.ids["abel"]),
    ]
    signature = team.ada.approvals.list("all").items[0].signatures[0]
    team.vera.approvals.revoke(signature.id)
    assert [one.state.value for one in about_signatures()] == ["ATTESTED", "MISSING"]


def committed(folder, *people):
    """A repository with one commit of each, oldest first; the newest commit of it."""
    for number, who in enumerate(people):
        (folder / "train.py").write_text(f"# {number}\n")
        words = ["-c", f"user.email={who}@example.com", "-c", f"user.name={who}", "commit", "-qm", str(number)]
        for more in (["init", "-q"], ["add", "-A"], words):
            subprocess.run(["git", "-C", str(folder), *more], check=True)


def test_who_committed_since_the_last_signed_version_cannot_sign(team, tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    (project / "modelwright.toml").write_text("")
    monkeypatch.setattr("modelwright.tracking.capture._script", lambda: project / "train.py")
    for name in ("vera", "abel", "nina"):
        do(team.platform, "users.commits_as", name=name, addresses=[f"{name.upper()}@example.com"])

    def version():
        with mw.run(MODEL, workspace=team.ada) as run:
            table = team.ada.data.table("questions@1")
            model, columns = real(table)
            made = run.save_model(model, MODEL, example=table.select(columns))
        team.evaluate(made.ref)
        return team.ada.approvals.request(made.ref, "again")

    committed(project, "vera", "ada")
    first = version()
    assert first.authors[team.ids["vera"]] == "committed code to"
    assert team.ids["abel"] not in first.authors
    refused = team.vera.approvals.sign(first.request.id, "validator", "mine is good").refused
    assert refused == f"You committed code to {first.request.ref}, and nobody signs their own work."
    assert team.abel.approvals.sign(first.request.id, "approver", "good").signature

    committed(project, "abel", "somebody-else")
    second = version()
    assert team.ids["abel"] in second.authors  # since the version that was signed
    assert team.ids["vera"] not in second.authors  # before it
    assert team.vera.approvals.sign(second.request.id, "validator", "good").signature

    def told():
        found = team.ada.documents.get(second.request.ref, "technical_file").statements
        return [said.by for said in found if isinstance(said, Attested) and said.text.endswith("as validator.")]

    assert told() == [team.ids["vera"]]
    do(team.platform, "users.commits_as", name="vera", addresses=["somebody-else@example.com"])
    assert told() == []  # whose own work it turns out to be attests nothing any more
    assert "author" in [
        e.envelope.body["why"] for e in do(team.platform, "ledger.list", kind="approvals.signing_refused").items
    ]


def test_an_address_is_one_persons(team):
    do(team.platform, "users.commits_as", name="vera", addresses=["v@example.com"])
    with pytest.raises(Conflict, match="Somebody else commits as"):
        do(team.platform, "users.commits_as", name="abel", addresses=["V@example.com"])
    assert do(team.platform, "users.commits_as", name="vera", addresses=[]).commits_as == ()


def git(folder, *words, when=1):
    """Git at a day of January, so that the order of dates is the test's."""
    at = f"2026-01-{when:02d}T00:00:00Z"
    environment = {**os.environ, "GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env=environment)


def commit(folder, who, name, when):
    """One file, by somebody."""
    (folder / name).write_text(f"# {who} {when}\n")
    git(folder, "add", "-A")
    git(folder, "-c", f"user.email={who}@example.com", "-c", f"user.name={who}", "commit", "-qm", who, when=when)


def making(team, project, monkeypatch):
    """How ada makes another version in a project, and asks for signatures."""
    monkeypatch.setattr("modelwright.tracking.capture._script", lambda: project / "train.py")
    for name in ("vera", "abel", "nina"):
        do(team.platform, "users.commits_as", name=name, addresses=[f"{name}@example.com"])

    def version():
        with mw.run(MODEL, workspace=team.ada) as run:
            table = team.ada.data.table("questions@1")
            model, columns = real(table)
            made = run.save_model(model, MODEL, example=table.select(columns))
        team.evaluate(made.ref)
        return team.ada.approvals.request(made.ref, "again")

    return version


def test_what_was_committed_on_a_branch_counts_when_it_is_merged(team, tmp_path, monkeypatch):
    project = tmp_path / "project"
    project.mkdir()
    (project / "modelwright.toml").write_text("")
    git(project, "init", "-qb", "main")
    version = making(team, project, monkeypatch)
    commit(project, "ada", "train.py", 1)
    git(project, "checkout", "-qb", "feature")
    commit(project, "vera", "feature.py", 2)
    git(project, "checkout", "-q", "main")
    commit(project, "ada", "train.py", 3)
    first = version()
    assert team.ids["vera"] not in first.authors
    assert team.abel.approvals.sign(first.request.id, "approver", "good").signature
    who = ["-c", "user.email=ada@example.com", "-c", "user.name=ada"]
    git(project, *who, "merge", "-q", "--no-ff", "-m", "m", "feature", when=4)
    assert version().authors[team.ids["vera"]] == "committed code to"


def test_who_committed_before_the_signed_version_may_sign_also_where_others_share_the_repository(
    team, tmp_path, monkeypatch
):
    repository = tmp_path / "repository"
    project = repository / "project"
    project.mkdir(parents=True)
    (project / "modelwright.toml").write_text("")
    git(repository, "init", "-qb", "main")
    version = making(team, project, monkeypatch)
    commit(project, "nina", "train.py", 1)
    commit(repository, "ada", "elsewhere.py", 2)
    first = version()
    assert team.ids["nina"] in first.authors
    assert team.abel.approvals.sign(first.request.id, "approver", "good").signature
    commit(project, "ada", "train.py", 3)
    assert team.ids["nina"] not in version().authors


def test_a_history_that_is_none_is_refused_at_once(team):
    for digest in ("ab" * 32, team.platform.blobs.put(b"garbage").digest):
        with pytest.raises(Invalid):
            team.ada.runs.start("evil", capture=Capture(history=digest))


def test_nobody_takes_a_refusal_back_with_a_credential_that_somebody_else_made(team):
    rita = do(team.platform, "users.add", name="rita").id
    do(team.platform, "grants.add", role="approver", project="default", user="rita")
    herself, secret = Identity(actor=Actor(id=rita), grants=frozenset({"self:write"})), new_token()
    do(team.platform, "tokens.add", herself, digest=hashed(secret), shown=secret[:SHOWN], purpose="own")
    own = Workspace(
        team.platform.table,
        LocalCaller(team.platform, team.platform.entrance.identify(Presented("token", secret), None)),
        "here",
    )
    request = team.asked()
    team.signed(request)
    refusal = own.approvals.refuse(request, "approver", "no").signature
    with pytest.raises(Denied, match="credential that somebody else made"):
        team.space("rita").approvals.revoke(refusal.id)
    assert not team.promote().allowed


def test_who_must_sign_for_an_endpoint_alone_is_asked(team):
    team.abel.policies.publish("extends: minimal\ntier: standard\nsignoffs: [{role: approver, at: [prod-*]}]\n")
    request = team.ada.approvals.request(f"{MODEL}@1", "please")
    assert request.state is State.OPEN
    assert len(team.abel.approvals.list().items) == 1
    assert not team.otto.endpoints.deploy("prod-eu", f"{MODEL}@1").decision.allowed
    assert team.abel.approvals.sign(request.request.id, "approver", "good").signature
    assert team.otto.endpoints.deploy("prod-eu", f"{MODEL}@1").decision.allowed


def test_a_request_that_nobody_answers_expires(team, monkeypatch):
    request = team.ada.approvals.request(f"{MODEL}@1", "please", expires="1h").request
    later = request.expires_at + timedelta(seconds=1)
    monkeypatch.setattr(team.platform.units, "_clock", lambda: later)
    assert team.ada.approvals.get(request.id).state is State.EXPIRED
    with pytest.raises(Conflict, match="it is expired"):
        team.abel.approvals.sign(request.id, "approver", "too late")
    assert team.ada.approvals.request(f"{MODEL}@1", "again").request.id != request.id
    with pytest.raises(Invalid, match="is not asked"):
        team.ada.approvals.request(f"{MODEL}@1", "please", expires="1s")
