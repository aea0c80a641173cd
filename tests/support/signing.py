"""A team around one model: who made it, who signs, who runs it."""

import modelwright as mw
from modelwright.access.credentials import SHOWN, hashed, new_token
from modelwright.app.connect import Workspace
from modelwright.app.entrance import Presented
from modelwright.app.workspace import LocalCaller
from support.challenge import APRIL, JANUARY
from support.homes import fresh_platform
from support.life import BASELINE, CHARTER, MODEL, heuristic, questions, real
from support.people import do

ROLES = {"ada": "contributor", "vera": "validator", "abel": "approver", "otto": "operator", "nina": "approver"}


class Team:
    """A home with login, a model of the tier ``standard`` that ada trained, and a workspace for everybody."""

    def __init__(self, folder):
        self.platform = fresh_platform(folder)
        do(self.platform, "users.add", name="root")
        self.ids, self.spaces = {}, {}
        for name, role in ROLES.items():
            self.ids[name] = do(self.platform, "users.add", name=name, kind="simulated").id
            do(self.platform, "grants.add", role=role, project="default", user=name)
            self.spaces[name] = self.space(name)
        self.train()

    def space(self, name):
        secret = new_token()
        do(self.platform, "tokens.give", user=name, digest=hashed(secret), shown=secret[:SHOWN], purpose="work")
        identity = self.platform.entrance.identify(Presented("token", secret), None)
        return Workspace(self.platform.table, LocalCaller(self.platform, identity), "here")

    def __getattr__(self, name):
        if name in ROLES:
            return self.spaces[name]
        raise AttributeError(name)

    def train(self):
        table = questions(1500, since=JANUARY, until=APRIL, seed=1)
        self.ada.data.add("questions", table, key="id", event_time="asked_at", known_at="known_at")
        for name, fit in ((BASELINE, heuristic), (MODEL, real)):
            tier = "standard" if name == MODEL else "minimal"
            self.ada.charters.publish(name, {**CHARTER, "kpi": {**CHARTER["kpi"], "slice_floor": 0.6}, "tier": tier})
            model, columns = fit(table)
            version = self.ada.models.save(model, name, example=table.select(columns))
            self.evaluate(version.ref)

    def evaluate(self, ref=f"{MODEL}@1"):
        mw.evaluate(self.ada, ref, "questions@1", slices=["group"], explain=False)

    def asked(self):
        return self.ada.approvals.request(f"{MODEL}@1", "better than the heuristic").request.id

    def signed(self, request):
        assert self.vera.approvals.sign(request, "validator", "held-out rows are later").signature
        assert self.abel.approvals.sign(request, "approver", "worth it").signature

    def promote(self):
        return self.ada.models.set_alias(f"{MODEL}@1", "champion")
