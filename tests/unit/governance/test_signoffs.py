"""LAW: nobody signs their own work, nobody signs twice, and a signature dies with what it covers."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from modelwright.core import wire
from modelwright.core.errors import Invalid
from modelwright.core.guard import Verdict
from modelwright.core.ids import new_id
from modelwright.governance.model import Phase, SignOff
from modelwright.governance.signoffs import Basis, Signature, judged

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BASIS = Basis(model="delay", version=3, package="a" * 64, policy="b" * 64, charter="c" * 64, evidence="d" * 64)
VALIDATOR, APPROVER = SignOff(role="validator"), SignOff(role="approver")


def signature(by, role="approver", says="approve", *, basis=BASIS, at=NOW - timedelta(days=1), **more):
    return Signature(id=new_id(), basis=basis, role=role, says=says, reason="looked at it", by=by, at=at, **more)


def verdicts(signatures, *signoffs, authors=None, login=True, now=NOW):
    found = judged(signoffs or (APPROVER,), BASIS, signatures, authors=authors or {}, login=login, now=now)
    return {each.gate.partition(".")[2]: each for each in found}


def test_a_signature_of_the_role_is_enough_where_one_is_asked():
    assert verdicts([signature("ada")])["approver"].verdict is Verdict.ATTESTED
    assert verdicts([signature("ada", "validator")])["approver"].verdict is Verdict.UNKNOWN


def test_without_login_it_is_unknown_and_the_remedy_says_how_to_begin():
    found = verdicts([signature("ada")], login=False)["approver"]
    assert found.verdict is Verdict.UNKNOWN
    assert "user add" in found.remedy


def test_who_made_it_does_not_count_and_is_told_why():
    found = verdicts([signature("ada")], authors={"ada": "trained"})["approver"]
    assert found.verdict is Verdict.UNKNOWN
    assert "who trained it does not count" in found.reason


def test_nobody_counts_twice_whatever_roles_they_hold():
    both = [signature("ada", "validator"), signature("ada", "approver")]
    found = verdicts(both, VALIDATOR, APPROVER)
    assert [each.verdict for each in found.values()] == [Verdict.ATTESTED, Verdict.UNKNOWN]
    found = verdicts([*both, signature("bob", "validator")], VALIDATOR, APPROVER)
    assert [each.verdict for each in found.values()] == [Verdict.ATTESTED, Verdict.ATTESTED]
    two = SignOff(role="approver", count=2)
    assert verdicts([signature("ada"), signature("ada")], two)["approver"].verdict is Verdict.UNKNOWN
    assert verdicts([signature("ada"), signature("bob")], two)["approver"].verdict is Verdict.ATTESTED


@pytest.mark.parametrize("field", ["package", "policy", "charter", "evidence"])
def test_a_signature_dies_when_what_it_covers_changes(field):
    found = verdicts([signature("ada", basis=replace(BASIS, **{field: "e" * 64}))])["approver"]
    assert found.verdict is Verdict.UNKNOWN
    assert f"covers another {field}" in found.reason


PHASE = Basis(model="delay", policy="b" * 64, charter="c" * 64, phase=Phase.DATA, subject="flights", schema="d" * 64)


@pytest.mark.parametrize("change", [{"schema": "e" * 64}, {"charter": "e" * 64}, {"policy": "e" * 64}])
def test_what_was_signed_of_a_phase_dies_in_the_same_way(change):
    def said(signed):
        [found] = judged((APPROVER,), PHASE, [signed], authors={}, login=True, now=NOW)
        return found

    assert said(signature("ada", basis=PHASE)).verdict is Verdict.ATTESTED
    found = said(signature("ada", basis=replace(PHASE, **change)))
    assert (found.gate, found.verdict) == ("phase-data.approver", Verdict.UNKNOWN)
    assert f"covers another {next(iter(change))}" in found.reason
    assert found.remedy.endswith("modelwright approval request delay --phase data --dataset flights --reason WHY")


def test_what_was_signed_before_there_were_phases_reads_and_hashes_as_it_did():
    old = b'{"charter":"%s","evidence":"%s","model":"delay","package":"%s","policy":"%s","version":3}' % tuple(
        letter * 64 for letter in (b"c", b"d", b"a", b"b")
    )
    assert wire.decode(old, Basis) == BASIS
    assert wire.canonical(BASIS) == old
    assert wire.digest(BASIS) == wire.sha256(old)


@pytest.mark.parametrize("mixed", [{"phase": "data"}, {"version": None}, {"evidence": None}, {"subject": "flights"}])
def test_a_basis_is_of_a_version_or_of_a_phase(mixed):
    with pytest.raises(Invalid):
        wire.convert({**wire.decode(wire.canonical(BASIS), dict), **mixed}, Basis)


def test_a_refusal_outweighs_every_approval_until_it_is_revoked():
    refusal = signature("bob", says="refuse")
    assert verdicts([signature("ada"), refusal])["approver"].verdict is Verdict.FAIL
    taken_back = replace(refusal, revoked_at=NOW)
    assert verdicts([signature("ada"), taken_back])["approver"].verdict is Verdict.ATTESTED


def test_a_signature_expires_where_the_policy_says_so():
    monthly = SignOff(role="approver", expires="30d")
    old = signature("ada", at=NOW - timedelta(days=30))
    assert verdicts([old], monthly)["approver"].verdict is Verdict.UNKNOWN
    assert verdicts([old], monthly, now=NOW - timedelta(seconds=1))["approver"].verdict is Verdict.ATTESTED
    assert verdicts([old], APPROVER)["approver"].verdict is Verdict.ATTESTED


def test_whom_one_stands_for_counts_once_with_them():
    two = SignOff(role="approver", count=2)
    for bob in (signature("bob"), signature("bob", on_behalf_of="cyd"), signature("cyd", on_behalf_of="bob")):
        assert verdicts([signature("ada", on_behalf_of="bob"), bob], two)["approver"].verdict is Verdict.UNKNOWN
    found = verdicts([signature("ada", on_behalf_of="bob"), signature("ada", "validator")], VALIDATOR, APPROVER)
    assert "nobody counts twice, nor whom they stand for" in found["validator"].reason
    both = [signature("ada"), signature("ada", on_behalf_of="bob"), signature("cyd", on_behalf_of="bob")]
    assert verdicts(both, two)["approver"].verdict is Verdict.ATTESTED  # ada, and cyd for bob


@pytest.mark.parametrize("author", ["ada", "bob"])
def test_who_made_it_neither_signs_for_another_nor_is_signed_for(author):
    found = verdicts([signature("ada", on_behalf_of="bob")], authors={author: "trained"})["approver"]
    assert found.verdict is Verdict.UNKNOWN
    assert "who trained it does not count" in found.reason


_PEOPLE = st.sampled_from("abcd")
_SIGNED = st.builds(
    signature,
    _PEOPLE,
    st.sampled_from(["validator", "approver"]),
    st.sampled_from(["approve", "approve", "refuse"]),
    basis=st.sampled_from([BASIS, replace(BASIS, evidence="e" * 64), PHASE]),
    revoked_at=st.sampled_from([None, None, NOW]),
    on_behalf_of=st.none() | _PEOPLE,
)


def enough(living, asked, made):
    """Whether some choice of approvals has nobody twice: every one is tried."""
    if any(one.says == "refuse" and one.role in asked for one in living):
        return False
    good = [one for one in living if not one.people & made]
    for chosen in combinations(good, sum(asked.values())):
        people = [who for one in chosen for who in one.people]
        if Counter(one.role for one in chosen) == Counter(asked) and len(people) == len(set(people)):
            return True
    return False


@given(st.lists(_SIGNED, max_size=8), st.integers(1, 3), st.integers(1, 3), st.sets(_PEOPLE))
def test_it_passes_when_enough_other_people_stand_behind_it_and_never_else(signed, validators, approvers, made):
    asked = {"validator": validators, "approver": approvers}
    signoffs = [SignOff(role=role, count=count) for role, count in asked.items()]
    found = verdicts(signed, *signoffs, authors=dict.fromkeys(made, "trained"))
    living = [one for one in signed if one.basis == BASIS and one.revoked_at is None]
    assert all(each.verdict.passes for each in found.values()) == enough(living, asked, made)


@given(st.lists(_SIGNED, max_size=8), st.integers(1, 3), st.integers(1, 3), st.sets(st.sampled_from("abcd")))
def test_whatever_was_signed_enough_other_people_stand_behind_what_passes(signed, validators, approvers, made):
    asked = (SignOff(role="validator", count=validators), SignOff(role="approver", count=approvers))
    found = verdicts(signed, *asked, authors=dict.fromkeys(made, "trained"))
    living = [one for one in signed if one.basis == BASIS and one.revoked_at is None]
    for signoff in asked:
        if found[signoff.role].verdict.passes:
            mine = {one.people for one in living if one.role == signoff.role and one.says == "approve"}
            assert len(mine) >= signoff.count
            assert not any(one.says == "refuse" for one in living if one.role == signoff.role)
    if all(each.verdict.passes for each in found.values()):
        assert len({who for one in living for who in one.people} - made) >= validators + approvers
