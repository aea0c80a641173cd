"""Who signs for somebody else: openly, for a while, and never as a second person."""

from contextlib import closing
from datetime import timedelta

import pytest

from modelwright.access.credentials import SHOWN, hashed, new_token
from modelwright.app.connect import Workspace
from modelwright.app.entrance import Presented
from modelwright.app.home import Home
from modelwright.app.workspace import LocalCaller, Platform
from modelwright.approvals.model import State
from modelwright.core.errors import Conflict, Denied, Invalid, NotFound
from modelwright.core.events import Actor
from modelwright.core.guard import Verdict
from modelwright.core.identity import Identity
from support.life import MODEL
from support.people import do
from support.signing import Team


@pytest.fixture
def team(tmp_path):
    with closing(_Lending(tmp_path)) as made:
        made.ids["dora"] = do(made.platform, "users.add", name="dora", kind="simulated").id
        yield made


class _Lending(Team):
    def close(self):
        self.platform.close()

    def lent(self, giver="abel", to="dora", role="approver", days=14):
        """A delegation, and what whoever got it works with."""
        kept = self.spaces[giver].delegations.add(to, role, days, "at sea")
        return kept, self.space(to)

    def tried(self):
        entries = do(self.platform, "ledger.list", kind="approvals.signing_refused").items
        return [entry.envelope.body["why"] for entry in entries]


def said(document):
    return [
        one for part in document.sections for item in part.items if item.id == "signatures" for one in item.statements
    ]


def test_who_is_asked_to_signs_in_their_own_name_for_another(team):
    request = team.asked()
    kept, dora = team.lent()
    assert team.vera.approvals.sign(request, "validator", "later rows").signature
    signed = dora.approvals.sign(request, "approver", "she would", on_behalf_of="abel").signature
    assert (signed.by, signed.on_behalf_of) == (team.ids["dora"], team.ids["abel"])
    assert team.ada.approvals.get(request).state is State.SIGNED
    assert team.promote().allowed
    [entry] = do(team.platform, "ledger.list", kind="access.delegation_added").items
    assert (entry.envelope.actor_id, entry.envelope.body["delegation_id"]) == (team.ids["abel"], kept.id)
    assert "at sea" not in str(entry.envelope)
    [_, entry] = sorted(
        do(team.platform, "ledger.list", kind="approvals.signed").items, key=lambda each: each.envelope.seq
    )
    assert entry.envelope.body["on_behalf_of"] == team.ids["abel"]
    text = [(one.text, one.by) for one in said(team.ada.documents.get(f"{MODEL}@1", "change_report"))]
    assert text[1] == (f"Signed as approver for {team.ids['abel']}.", team.ids["dora"])
    file = team.ada.documents.read(f"{MODEL}@1", "change_report").decode()
    assert f"Signed as approver for abel (simulated) ({team.ids['abel']})." in file


def test_who_stands_in_sees_what_a_signature_covers_there_and_no_more(team):
    request = team.asked()
    before = team.space("dora")
    with pytest.raises(Denied):
        before.approvals.get(request)
    do(team.platform, "projects.add", name="claims")
    _, dora = team.lent()
    assert dora.users.me().projects == ("default",)
    assert [(one.giver, one.role) for one in dora.users.me().signs_for] == [("abel", "approver")]
    assert dora.approvals.get(request).request.id == request
    assert dora.models.get(f"{MODEL}@1").version == 1
    for read in (dora.data.list, dora.runs.list, dora.endpoints.list, dora.monitors.list, dora.ledger.list):
        with pytest.raises(Denied):
            read()
    with pytest.raises(Denied):
        dora.approvals.request(f"{MODEL}@1", "me too")
    secret = new_token()
    do(team.platform, "tokens.give", user="dora", digest=hashed(secret), shown=secret[:SHOWN], purpose="elsewhere")
    with pytest.raises(NotFound):
        team.platform.entrance.identify(Presented("token", secret), "claims")


def _ended(team, kept):
    team.abel.delegations.end(kept.id)


def _handed_back(team, kept):
    team.space("dora").delegations.end(kept.id)


def _taken_away(team, kept):
    do(team.platform, "delegations.end", delegation=kept.id)


def _gone(team, _kept):
    do(team.platform, "users.disable", name="abel")


def _no_approver(team, _kept):
    do(team.platform, "grants.remove", role="approver", project="default", user="abel")


@pytest.mark.parametrize("stop", [_ended, _handed_back, _taken_away, _gone, _no_approver])
def test_it_counts_only_while_it_lasts_and_the_other_holds_the_role(team, stop):
    request = team.asked()
    kept, dora = team.lent()  # and whoever knows her still from a moment ago
    with closing(Platform(Home(team.platform.home.folder).open(create=False))) as another:
        there = Workspace(another.table, LocalCaller(another, dora._caller._identity), "there")
        assert there.approvals.get(request)
        stop(team, kept)
        for way in (dora, there):
            refused = way.approvals.sign(request, "approver", "still", on_behalf_of="abel").refused
            assert refused == "You do not sign for abel as approver here."
        assert "approvals:sign" not in team.space("dora")._caller._identity.grants
    assert team.tried() == ["delegation", "delegation"]
    assert team.ada.delegations.list().items == []
    [told] = team.ada.delegations.list("all").items
    assert told.void


def test_it_is_over_when_its_days_are(team, monkeypatch):
    request = team.asked()
    kept, dora = team.lent(days=2)
    monkeypatch.setattr(team.platform.units, "_clock", lambda: kept.expires_at - timedelta(seconds=1))
    assert dora.approvals.sign(request, "approver", "in time", on_behalf_of="abel").signature
    monkeypatch.setattr(team.platform.units, "_clock", lambda: kept.expires_at)
    assert dora.approvals.sign(request, "approver", "too late", on_behalf_of="abel").signature is None
    assert "expired on" in team.ada.delegations.list("all").items[0].void


def test_nobody_has_their_own_work_signed_and_nobody_signs_theirs_for_another(team):
    request = team.asked()
    do(team.platform, "grants.add", role="approver", project="default", user="ada")
    team.spaces["ada"] = team.space("ada")
    _, dora = team.lent("ada")
    came = dora.approvals.sign(request, "approver", "for her", on_behalf_of="ada")
    assert came.refused == f"ada registered {MODEL}@1, and nobody has their own work signed."
    _, ada = team.lent("abel", "ada")
    came = ada.approvals.sign(request, "approver", "for him", on_behalf_of="abel")
    assert came.refused == f"You registered {MODEL}@1, and nobody signs their own work."
    assert team.tried() == ["author", "author"]


def test_whom_one_stands_for_counts_once_with_them(team):
    request = team.asked()
    do(team.platform, "grants.add", role="validator", project="default", user="abel")
    team.spaces["abel"] = team.space("abel")
    assert team.abel.approvals.sign(request, "validator", "mine").signature
    _, dora = team.lent()
    _, otto = team.lent(to="otto")
    for way in (dora, otto):
        assert way.approvals.sign(request, "approver", "his", on_behalf_of="abel").signature
    gates = {gate.gate: gate for gate in team.ada.approvals.get(request).signoffs}
    assert [gate.verdict for gate in gates.values()].count(Verdict.ATTESTED) == 1
    assert "nobody counts twice, nor whom they stand for" in " ".join(gate.reason for gate in gates.values())
    assert not team.promote().allowed
    assert team.vera.approvals.sign(request, "validator", "another").signature
    assert team.promote().allowed


def test_who_holds_the_role_signs_for_themselves_unless_they_say_otherwise(team):
    request = team.asked()
    _, nina = team.lent(to="nina")
    assert nina.approvals.sign(request, "approver", "mine").signature.on_behalf_of is None
    assert nina.approvals.sign(request, "approver", "his", on_behalf_of="abel").signature.on_behalf_of
    _, dora = team.lent()
    assert dora.approvals.sign(request, "approver", "whose").refused == "You do not sign as approver here."
    assert dora.approvals.sign(request, "validator", "his", on_behalf_of="abel").signature is None
    assert dora.approvals.sign(request, "approver", "hers", on_behalf_of="nobody-here").signature is None


def test_nobody_passes_on_what_they_were_given(team):
    _, dora = team.lent()
    with pytest.raises(Denied, match="delegations:write"):
        dora.delegations.add("otto", "approver", 1, "on")
    _, nina = team.lent("vera", "nina", "validator")
    with pytest.raises(Denied, match="do not sign as validator"):
        nina.delegations.add("otto", "validator", 1, "on")
    assert nina.delegations.add("otto", "approver", 1, "her own").delegate == "otto"


def test_only_another_person_who_does_not_manage_people_stands_in(team):
    do(team.platform, "users.add", name="robot", kind="service")
    do(team.platform, "users.add", name="boss", kind="simulated")
    do(team.platform, "grants.add", role="admin", project="*", user="boss")
    do(team.platform, "users.add", name="gone", kind="simulated")
    do(team.platform, "users.disable", name="gone")
    do(team.platform, "users.add", name="rita")
    for name, why in {
        "abel": "for themselves",
        "robot": "is a service and abel a simulated",
        "rita": "is a person and abel a simulated",
        "boss": "is an admin",
        "gone": "may no longer sign in",
    }.items():
        with pytest.raises(Invalid, match=why):
            team.abel.delegations.add(name, "approver", 1, "away")
    with pytest.raises(NotFound):
        team.abel.delegations.add("nobody-here", "approver", 1, "away")
    for days in (0, 91):
        with pytest.raises(Invalid, match="not 1 to 90"):
            team.abel.delegations.add("dora", "approver", days, "away")
    for who in (team.vera, team.ada, team.otto):
        with pytest.raises(Denied):
            who.delegations.add("dora", "approver", 1, "away")
    with pytest.raises(Denied, match="do not sign as approver here"):
        do(team.platform, "delegations.add", to="dora", role="approver", days=1, reason="away")
    team.lent(days=90)
    with pytest.raises(Conflict, match="That is so already"):
        team.lent()


def test_who_becomes_an_admin_stands_in_for_nobody_any_more(team):
    request = team.asked()
    _, dora = team.lent()
    do(team.platform, "grants.add", role="admin", project="*", user="dora")
    assert dora.approvals.sign(request, "approver", "still", on_behalf_of="abel").signature is None


def test_nobody_ends_what_is_between_two_others(team):
    kept, _ = team.lent()
    for other in (team.vera, team.nina, team.ada):
        with pytest.raises(NotFound):
            other.delegations.end(kept.id)
    ended = team.abel.delegations.end(kept.id)
    assert team.abel.delegations.end(kept.id) == ended
    assert len(do(team.platform, "ledger.list", kind="access.delegation_ended").items) == 1


def test_a_signature_in_ones_name_can_be_taken_back(team):
    request = team.asked()
    _, dora = team.lent()
    signed = dora.approvals.sign(request, "approver", "his", on_behalf_of="abel").signature
    with pytest.raises(Denied, match="somebody else's"):
        team.nina.approvals.revoke(signed.id)
    assert team.abel.approvals.revoke(signed.id).revoked_at
    refused = dora.approvals.refuse(request, "approver", "no", on_behalf_of="abel").signature
    assert team.ada.approvals.get(request).state is State.REFUSED
    assert dora.approvals.revoke(refused.id).revoked_at


class _Real:
    """Two people who made their own tokens: grace approves, and nobody else knows her secret."""

    def __init__(self, team):
        self.team, self.ids = team, {}
        for name in ("grace", "rita"):
            self.ids[name] = do(team.platform, "users.add", name=name).id
        do(team.platform, "grants.add", role="approver", project="default", user="grace")

    def own(self, name, **limits):
        herself, secret = Identity(actor=Actor(id=self.ids[name]), grants=frozenset({"self:write"})), new_token()
        given = {"digest": hashed(secret), "shown": secret[:SHOWN], "purpose": "own"}
        do(self.team.platform, "tokens.add", herself, **given, **limits)
        identity = self.team.platform.entrance.identify(Presented("token", secret), None)
        return Workspace(self.team.platform.table, LocalCaller(self.team.platform, identity), "here")


def test_a_credential_that_somebody_else_made_neither_gives_it_nor_uses_it(team):
    request, people = team.asked(), _Real(team)
    with pytest.raises(Denied, match="do not sign as approver here"):
        team.space("grace").delegations.add("rita", "approver", 1, "away")
    people.own("grace").delegations.add("rita", "approver", 1, "away")
    given = team.space("rita")
    assert given.users.me().signs_for == ()
    assert given.approvals.sign(request, "approver", "hers", on_behalf_of="grace").signature is None
    assert team.tried() == ["credential"]
    assert people.own("rita").approvals.sign(request, "approver", "hers", on_behalf_of="grace").signature


def test_the_scopes_of_a_token_limit_what_it_gives(team):
    request, people = team.asked(), _Real(team)
    for limits in ({"scopes": ["approvals:*", "delegations:write"]}, {"project": "default"}):
        with pytest.raises(Denied, match="delegations:write"):
            people.own("grace", **limits).delegations.add("rita", "approver", 1, "away")
    people.own("grace").delegations.add("rita", "approver", 1, "away")
    reads = people.own("rita", scopes=["approvals:read"])
    assert reads.approvals.get(request)
    with pytest.raises(Denied, match="approvals:sign"):
        reads.approvals.sign(request, "approver", "hers", on_behalf_of="grace")
    signs = people.own("rita", scopes=["approvals:sign"])
    assert signs.approvals.sign(request, "approver", "hers", on_behalf_of="grace").signature
