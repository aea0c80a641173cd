"""A team whose policy asks people at every phase of a model's life."""

import modelwright as mw
from modelwright.access.credentials import SHOWN, hashed, new_token
from modelwright.app.connect import Workspace
from modelwright.app.entrance import Presented
from modelwright.app.workspace import LocalCaller
from support.challenge import APRIL, JANUARY
from support.homes import fresh_platform
from support.life import BASELINE, CHARTER, heuristic, questions, real
from support.people import do

ROLES = {
    "ada": ("contributor", "validator", "approver"),
    "vera": ("validator",),
    "abel": ("approver",),
    "otto": ("operator",),
    "carl": ("contributor",),
    "nina": ("approver", "contributor"),
    "bot": ("contributor", "validator", "approver"),
}
POLICY = """
extends: minimal
tier: careful
phases:
  charter: [{role: approver}]
  data: [{role: validator}]
  training: [{role: approver}]
  application: [{role: approver}]
  retirement: [{role: approver}]
"""
MODEL, DATA = "late", "questions"


class Team:
    """A home with login, a policy that asks at every phase, a charter and data of ada's, and nothing signed."""

    def __init__(self, folder):
        self.platform = fresh_platform(folder)
        self.root = do(self.platform, "users.add", name="root").id
        self.ids, self.spaces, self.secrets = {}, {}, {}
        for name, roles in ROLES.items():
            kind = "service" if name == "bot" else "simulated"
            self.ids[name] = do(self.platform, "users.add", name=name, kind=kind).id
            for role in roles:
                do(self.platform, "grants.add", role=role, project="default", user=name)
            self.spaces[name] = self.space(name)
        self.table = questions(1500, since=JANUARY, until=APRIL, seed=1)
        self.ada.data.add(DATA, self.table, key="id", event_time="asked_at", known_at="known_at")
        self.abel.policies.publish(POLICY)
        self.heuristic()
        self.charter()

    def space(self, name):
        self.secrets[name] = secret = new_token()
        do(self.platform, "tokens.give", user=name, digest=hashed(secret), shown=secret[:SHOWN], purpose="work")
        identity = self.platform.entrance.identify(Presented("token", secret), None)
        return Workspace(self.platform.table, LocalCaller(self.platform, identity), "here")

    def __getattr__(self, name):
        if name in ROLES:
            return self.spaces[name]
        raise AttributeError(name)

    def charter(self, **more):
        return self.ada.charters.publish(MODEL, {**CHARTER, "tier": "careful", **more})

    def heuristic(self):
        """What every candidate must beat; of the tier ``minimal``, which asks nobody."""
        model, columns = heuristic(self.table)
        self.ada.models.save(model, BASELINE, example=self.table.select(columns))
        self.ada.charters.publish(BASELINE, {**CHARTER, "tier": "minimal"})
        mw.evaluate(self.ada, f"{BASELINE}@1", f"{DATA}@1", explain=False)

    def register(self, data=f"{DATA}@1", space=None):
        """Train in a run that reads the data, and register what came of it."""
        with mw.run(MODEL, workspace=space or self.ada) as run:
            table = mw.dataset(data).arrow()
            model, columns = real(table)
            return run.save_model(model, MODEL, example=table.select(columns))

    def asked(self, phase, subject=None):
        return self.ada.approvals.request_phase(MODEL, phase, "it is time", subject).request.id

    def signed(self, phase, subject=None):
        role, who = ("validator", self.vera) if phase == "data" else ("approver", self.abel)
        came = who.approvals.sign(self.asked(phase, subject), role, "looked at it")
        assert came.signature, came.refused
        return came.signature

    def made(self):
        """A version, once everybody has signed, and its evidence."""
        for phase, subject in (("charter", None), ("data", DATA), ("training", None)):
            self.signed(phase, subject)
        version = self.register()
        mw.evaluate(self.ada, version.ref, f"{DATA}@1", explain=False)
        return version

    def answering(self, endpoint="lateness"):
        """A version that answers there."""
        version = self.made()
        self.signed("application", endpoint)
        assert self.otto.endpoints.deploy(endpoint, version.ref).decision.allowed
        return version

    def reasons(self, decision):
        return {gate.gate: gate.reason for gate in decision.gates if not gate.verdict.passes}
