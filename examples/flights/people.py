"""Who takes part: simulated people, each with roles and a token of their own, and the desk's program.

Nobody is real: they are users of the kind ``simulated``, and every page and list calls them so.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import modelwright as mw

YOU = "you"
ROLES = {
    "ada": ("contributor", "operator", "approver"),  # trains and deploys; may approve what others have made
    "vera": ("validator",),
    "abel": ("approver",),
}
DESK = "connections-desk"
SIGN_AS = {"vera": "validator", "abel": "approver"}
WORDS = {
    "vera": "The held-out weeks are later than all it learned from, and every slice was counted.",
    "abel": "Worth holding a connection for; going back is one command.",
}
TOKEN = "MODELWRIGHT_TOKEN"  # the setting's name


class Team:
    """Everybody who takes part.

    Args:
        ws: The home, opened by its owner: with the first user login begins.

    Attributes:
        password: Of the person who looks at the dashboard afterwards.
    """

    def __init__(self, ws: mw.Workspace) -> None:
        self._ws = ws
        self.password = secrets.token_urlsafe(12)
        ws.users.add(YOU, display="You", password=self.password)
        ws.grants.add("auditor", "*", user=YOU)
        for name, roles in ROLES.items():
            ws.users.add(name, display=name.capitalize(), kind="simulated")
            for role in roles:
                ws.grants.add(role, "default", user=name)
        ws.users.add(DESK, kind="service")
        ws.grants.add("contributor", "default", user=DESK)
        scopes = ("predictions:write", "labels:write", "data:*", "lifecycle:read", "self:read")
        self.desk = ws.tokens.create("asking and labelling", user=DESK, scopes=scopes).secret
        self._tokens = {name: ws.tokens.create("the demo", user=name).secret for name in ROLES}

    @contextmanager
    def acting(self, name: str) -> Iterator[mw.Workspace]:
        """The home as one of them has it; what is started meanwhile runs as them, too."""
        before = os.environ.get(TOKEN)
        os.environ[TOKEN] = self._tokens[name]
        try:
            with mw.connect(self._ws.where, token=self._tokens[name]) as workspace:
                yield workspace
        finally:
            if before is None:
                del os.environ[TOKEN]
            else:
                os.environ[TOKEN] = before

    def sign(self, request: str) -> list[str]:
        """Vera and Abel look at a request, and sign it if every gate passes; what they did, on one line each."""
        said = []
        for name, role in SIGN_AS.items():
            with self.acting(name) as workspace:
                seen = workspace.approvals.get(request)
                if seen.state != "open" or not all(gate.verdict.passes for gate in seen.gates):
                    continue
                came = workspace.approvals.sign(request, role, WORDS[name], covers=seen.covers)
                said.append(f"{name} (simulated) {came}")
        return said
