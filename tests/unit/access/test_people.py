"""Who may do what: users, roles, tokens, sessions, and what follows from them."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from modelwright.access.credentials import SHOWN, hashed, new_token
from modelwright.access.roles import EVERYWHERE, PERMISSIONS, Role, permitted, permitted_everywhere
from modelwright.access.sessions import SessionService
from modelwright.app.entrance import Presented
from modelwright.app.home import Home
from modelwright.app.workspace import Platform
from modelwright.core.errors import Conflict, Denied, Invalid, NotFound
from modelwright.core.events import Actor, ActorKind
from modelwright.core.identity import OWNER, Identity
from support.people import do


class Team:
    """A home whose clock is turned by hand."""

    def __init__(self, folder):
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.platform = Platform(Home(folder / ".modelwright").open(create=True), clock=lambda: self.now)

    def close(self):
        self.platform.close()

    def do(self, name, identity=OWNER, /, **arguments):
        return do(self.platform, name, identity, **arguments)

    def add(self, name, *roles, project="default", **given):
        """A user with roles."""
        user = self.do("users.add", name=name, **given)
        for role in roles:
            self.do("grants.add", role=role, project=EVERYWHERE if role == "admin" else project, user=name)
        return user

    def token(self, name, *, by=OWNER, **given):
        """A token that an admin gives."""
        secret = new_token()
        kept = self.do(
            "tokens.give", by, user=name, digest=hashed(secret), shown=secret[:SHOWN], purpose="work", **given
        )
        return secret, kept

    def own_token(self, identity, **given):
        """A token that somebody makes for themselves."""
        secret = new_token()
        self.do("tokens.add", identity, digest=hashed(secret), shown=secret[:SHOWN], purpose="work", **given)
        return secret

    def identify(self, secret, project=None, kind="token"):
        return self.platform.entrance.identify(Presented(kind, secret), project)

    def as_user(self, name, project=None):
        """Somebody with a password of their own."""
        self.do("users.set_password", name=name, password="a sentence of the admin's")
        user = self.do("users.get", name=name)
        self.do(
            "users.change_password",
            Identity(actor=Actor(id=user.id), grants=frozenset({"self:write"})),
            password="x" * 12,
        )
        return self.session(name, "x" * 12, project)

    def session(self, name, password, project=None):
        return self.identify(self.begin(name, password), project, "session")

    def begin(self, name, password):
        """Sign in with a browser; the cookie's secret."""
        user, secret = self.platform.entrance.by_password(name, password), new_token()
        begin = SessionService.operations()["begin"]
        given = {"digest": hashed(secret), "user": user.id, "way": "password", "own": not user.given}
        identity = Identity(actor=Actor(id=user.id), grants=frozenset({"sessions:write"}))
        self.platform.units.run(begin, self.platform.sessions, begin.bind((), given), identity=identity)
        return secret


@pytest.fixture
def team(tmp_path):
    with closing(Team(tmp_path)) as made:
        made.add("root")
        yield made


def test_the_first_user_is_an_admin_so_that_somebody_can_let_the_others_in(tmp_path):
    with closing(Team(tmp_path)) as team:
        assert team.do("users.me").login is False
        assert team.platform.entrance.login() is False
        team.now += timedelta(seconds=1)
        team.do("users.add", name="ada")
        assert [str(grant) for grant in team.do("grants.list")] == ["user ada: admin in *"]
        team.do("users.add", name="bob")
        assert len(team.do("grants.list")) == 1


def test_the_first_user_is_a_person(tmp_path):
    with closing(Team(tmp_path)) as team, pytest.raises(Invalid, match="is a person"):
        team.do("users.add", name="robot", kind="service")


def test_a_user_without_a_role_sees_nothing_but_themselves(team):
    team.add("ada")
    secret, _ = team.token("ada")
    ada = team.identify(secret)
    assert ada.grants == {"search:read", "self:read", "self:write"}
    me = team.do("users.me", ada)
    assert (me.name, me.projects, me.roles, me.login) == ("ada", (), (), True)
    with pytest.raises(Denied, match="models:read"):
        team.do("models.list", ada)


def test_a_role_gives_what_the_table_says_and_no_more(team):
    for role in Role:
        if role is Role.ADMIN:
            continue
        team.add(f"a-{role}", role.value)
        secret, _ = team.token(f"a-{role}")
        assert team.identify(secret).grants == permitted(frozenset({role})) | {"search:read", "self:read", "self:write"}


def test_who_manages_people_does_nothing_else():
    assert PERMISSIONS[Role.ADMIN] == {"access:read", "access:write"}
    assert all("access:write" not in PERMISSIONS[role] for role in Role if role is not Role.ADMIN)


def test_only_validators_and_approvers_sign():
    assert {role for role in Role if "approvals:sign" in PERMISSIONS[role]} == {Role.VALIDATOR, Role.APPROVER}


def test_an_auditor_and_a_viewer_write_nothing():
    for role in (Role.AUDITOR, Role.VIEWER):
        assert {each for each in PERMISSIONS[role] if not each.endswith(":read")} == set()


def test_every_permission_of_the_house_is_held_by_some_role(team):
    asked = {operation.permission for operation in team.platform.table}
    held = (
        permitted(frozenset(Role)) | permitted_everywhere(frozenset(Role)) | {"search:read", "self:read", "self:write"}
    )
    assert asked <= held


def test_roles_come_through_groups_and_go_with_them(team):
    team.add("ada", groups=["lab"])
    team.do("grants.add", role="contributor", project="default", group="lab")
    secret, _ = team.token("ada")
    assert team.identify(secret).may("models:write")
    team.do("users.join", name="ada", groups=[])
    assert not team.identify(secret).may("models:write")


def test_a_project_is_unknown_to_whoever_holds_no_role_in_it(team):
    team.do("projects.add", name="claims")
    team.add("ada", "contributor")
    secret, _ = team.token("ada")
    with pytest.raises(NotFound) as foreign:
        team.identify(secret, "claims")
    with pytest.raises(NotFound) as absent:
        team.identify(secret, "nowhere")
    assert foreign.value.message.replace("claims", "") == absent.value.message.replace("nowhere", "")
    assert foreign.value.remedy == absent.value.remedy
    assert team.do("projects.list", team.identify(secret)) == ("default",)


def test_somebody_with_one_project_works_there_without_naming_it(team):
    team.do("projects.add", name="claims")
    team.add("ada", "contributor", project="claims")
    secret, _ = team.token("ada")
    assert team.identify(secret).project == "claims"


def test_a_role_everywhere_holds_in_every_project(team):
    team.do("projects.add", name="claims")
    team.add("ada", "viewer", project=EVERYWHERE)
    secret, _ = team.token("ada")
    assert team.do("projects.list", team.identify(secret)) == ("claims", "default")
    assert team.identify(secret, "claims").may("models:read")


def test_the_whole_ledger_is_for_who_audits_every_project(team):
    team.add("ada", "auditor")
    team.add("bea", "auditor", project=EVERYWHERE)
    with pytest.raises(Denied, match="ledger:export"):
        team.do("ledger.read", team.identify(team.token("ada")[0]))
    assert team.do("ledger.read", team.identify(team.token("bea")[0])).entries


def test_a_token_of_one_project_opens_no_other(team):
    team.do("projects.add", name="claims")
    team.add("ada", "contributor", project=EVERYWHERE)
    secret, _ = team.token("ada", project="claims")
    assert team.identify(secret).project == "claims"
    with pytest.raises(NotFound):
        team.identify(secret, "default")


def test_a_scope_takes_away_and_never_gives(team):
    team.add("ada", "viewer")
    secret, _ = team.token("ada", scopes=["models:*", "predictions:write"])
    ada = team.identify(secret)
    assert ada.may("models:read")
    assert not ada.may("models:write")
    assert not ada.may("predictions:write")
    assert not ada.may("data:read")


@pytest.mark.parametrize("limit", [{"scopes": ["self:*", "models:read"]}, {"project": "default"}])
def test_a_limited_token_makes_nothing_that_is_not(team, limit):
    team.add("ada", "contributor")
    ada = team.identify(team.token("ada", **limit)[0])
    assert ada.may("models:read")
    with pytest.raises(Denied, match="self:write"):
        team.own_token(ada)
    with pytest.raises(Denied, match="self:write"):
        team.do("users.change_password", ada, password="a sentence of mine")


@pytest.mark.parametrize(
    "text", ["", "mwt_", "root", "mwt_" + "0" * 33, "mwt_0000000000000000000000000002X7PwD", "' OR 1=1 --"]
)
def test_what_is_no_token_of_the_home_opens_nothing(team, text):
    with pytest.raises(Denied, match="no token of this home"):
        team.identify(text)


def test_a_token_ends_on_its_day(team):
    team.add("ada", "viewer")
    secret, kept = team.token("ada", days=7)
    team.now = kept.expires_at - timedelta(seconds=1)
    team.identify(secret)
    team.now = kept.expires_at
    with pytest.raises(Denied, match="expired"):
        team.identify(secret)


def test_a_revoked_token_opens_nothing_and_stays_on_the_record(team):
    team.add("ada", "viewer")
    secret, kept = team.token("ada")
    ada = team.identify(secret)
    team.do("tokens.revoke", ada, token=kept.id)
    with pytest.raises(Denied, match="revoked"):
        team.identify(secret)
    assert team.do("tokens.every", user="ada").items[0].revoked_at == team.now


def test_nobody_revokes_the_tokens_of_others_but_an_admin(team):
    team.add("ada", "viewer")
    team.add("bob", "operator")
    _, kept = team.token("ada")
    bob = team.identify(team.token("bob")[0])
    with pytest.raises(NotFound):
        team.do("tokens.revoke", bob, token=kept.id)
    with pytest.raises(Denied):
        team.do("tokens.withdraw", bob, token=kept.id)


def test_a_disabled_user_is_out_with_everything_they_hold(team):
    team.add("ada", "viewer")
    secret, _ = team.token("ada")
    team.do("users.disable", name="ada")
    with pytest.raises(Denied, match="no longer sign in"):
        team.identify(secret)
    team.do("users.enable", name="ada")
    team.identify(secret)


def test_the_last_admin_cannot_be_locked_out(team):
    with pytest.raises(Conflict, match="Nobody would be left"):
        team.do("users.disable", name="root")
    with pytest.raises(Conflict, match="Nobody would be left"):
        team.do("grants.remove", role="admin", project="*", user="root")
    assert team.do("users.get", name="root").disabled is False
    team.add("ada", "admin")
    assert team.do("users.disable", name="root").disabled


def test_an_admin_cannot_be_a_signer_as_well(team):
    with pytest.raises(Invalid, match="who gives rights must not use them"):
        team.do("grants.add", role="approver", project="default", user="root")
    team.add("ada", "validator")
    with pytest.raises(Invalid, match="who gives rights must not use them"):
        team.do("grants.add", role="admin", project="*", user="ada")


def test_an_admin_who_comes_to_sign_through_a_group_signs_nothing(team):
    team.do("grants.add", role="approver", project="default", group="board")
    team.do("users.join", name="root", groups=["board"])
    assert team.as_user("root").signs_as == frozenset()


def test_a_person_signs_with_a_credential_that_nobody_else_knew(team):
    team.add("ada", "approver", password="told on the telephone")
    assert team.session("ada", "told on the telephone").signs_as == frozenset()
    assert team.identify(team.token("ada")[0]).signs_as == frozenset()
    own = team.as_user("ada")
    assert own.signs_as == {"approver"}
    assert team.identify(team.own_token(own)).signs_as == {"approver"}


def test_a_token_made_with_a_given_credential_is_given_too(team):
    team.add("ada", "approver")
    made = team.own_token(team.identify(team.token("ada")[0]))
    assert team.identify(made).signs_as == frozenset()


def test_who_takes_a_password_of_their_own_ends_the_tokens_that_others_made(team):
    team.add("ada", "approver")
    secret, _ = team.token("ada")
    team.as_user("ada")
    with pytest.raises(Denied, match="revoked"):
        team.identify(secret)


def test_a_service_signs_nothing_and_has_no_password(team):
    team.add("robot", "approver", kind="service")
    assert team.identify(team.token("robot")[0]).signs_as == frozenset()
    with pytest.raises(Invalid, match="has tokens"):
        team.do("users.set_password", name="robot", password="a sentence of mine")


def test_a_simulated_person_signs_and_says_that_they_are_simulated(team):
    team.add("sim", "approver", kind="simulated")
    found = team.identify(team.token("sim")[0])
    assert (found.actor.kind, found.signs_as) == (ActorKind.SIMULATED, {"approver"})


def test_a_wrong_password_and_an_unknown_name_are_the_same(team):
    team.add("ada", password="a sentence of mine")
    said = set()
    for name, password in (("ada", "a sentence of hers"), ("nobody", "a sentence of mine"), ("root", "whatever it is")):
        with pytest.raises(Denied) as refused:
            team.platform.entrance.by_password(name, password)
        said.add((refused.value.message, refused.value.remedy))
    assert len(said) == 1


def test_a_session_ends_after_hours_without_use_and_after_a_week(team):
    team.add("ada", "viewer", password="a sentence of mine")
    secret = team.begin("ada", "a sentence of mine")
    began = team.now
    for hours in range(11, 24 * 7, 11):
        team.now = began + timedelta(hours=hours)
        assert team.identify(secret, kind="session").may("models:read")
    team.now = began + timedelta(days=7, seconds=1)
    with pytest.raises(Denied, match="over"):
        team.identify(secret, kind="session")
    idle = team.begin("ada", "a sentence of mine")
    team.now += timedelta(hours=12, seconds=1)
    with pytest.raises(Denied, match="over"):
        team.identify(idle, kind="session")


def test_an_answer_is_remembered_for_half_a_second_and_no_longer(team, monkeypatch):
    team.add("ada", "viewer")
    secret, kept = team.token("ada")
    seconds = [100.0]
    monkeypatch.setattr("modelwright.app.entrance.time.monotonic", lambda: seconds[0])
    entrance, shown = team.platform.entrance, Presented("token", secret)
    found = entrance.identify(shown, None)
    with closing(Platform(Home(team.platform.home.folder).open(create=False))) as other_process:
        do(other_process, "tokens.withdraw", token=kept.id)
    seconds[0] += 0.49
    assert entrance.remembered(shown, None) is found
    seconds[0] += 0.02
    assert entrance.remembered(shown, None) is None
    with pytest.raises(Denied):
        entrance.identify(shown, None)


def test_what_is_changed_in_the_same_process_counts_at_once(team):
    team.add("ada", "viewer")
    secret, kept = team.token("ada")
    team.identify(secret)
    team.do("tokens.withdraw", token=kept.id)
    assert team.platform.entrance.remembered(Presented("token", secret), None) is None


def test_when_a_token_was_last_used_is_known_to_the_minute(team):
    team.add("ada", "viewer")
    secret, _ = team.token("ada")
    for seconds in (0, 30, 61, 90):
        team.now = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=seconds)
        team.identify(secret)
    assert team.do("tokens.every", user="ada").items[0].used_at == datetime(2026, 3, 1, 0, 1, 1, tzinfo=UTC)


def test_the_ledger_knows_no_name_and_no_secret(team):
    team.add("ada.lovelace@example.org", "viewer", display="Ada Lovelace", password="a sentence of mine")
    secret, _ = team.token("ada.lovelace@example.org")
    team.identify(secret)
    said = b"".join(str(entry.envelope).encode() for entry in team.do("ledger.list", limit=1000).items)
    assert b"access.token_added" in said
    for text in (b"lovelace", b"Lovelace", b"sentence", secret.encode(), hashed(secret).encode()):
        assert text not in said


def test_without_login_there_are_no_tokens(tmp_path):
    with closing(Team(tmp_path)) as team, pytest.raises(Invalid, match="you are none"):
        team.own_token(OWNER)


@pytest.mark.parametrize("days", [0, -1, 731])
def test_a_token_counts_for_1_to_730_days(team, days):
    with pytest.raises(Invalid, match="1 to 730"):
        team.token("root", days=days)


def test_a_role_is_given_in_a_project_that_is_there(team):
    with pytest.raises(NotFound, match="no project 'nowhere'"):
        team.do("grants.add", role="viewer", project="nowhere", user="root")
    with pytest.raises(Invalid, match="user or a group"):
        team.do("grants.add", role="viewer", project="default")
    with pytest.raises(NotFound, match="not held"):
        team.do("grants.remove", role="viewer", project="default", user="root")
