"""The rows of registers, of what people judged, and of how far live traffic was looked at."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, insert, select, update

from modelwright.core.ids import new_id
from modelwright.core.unit import Rows, Unit
from modelwright.risks.model import Judgement, RegisterVersion, Standing, Watch
from modelwright.store.tables import Body, control

registers = Table(
    "risk_registers",
    control,
    Column("project", String(128), primary_key=True),
    Column("model", String(128), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Body(RegisterVersion), nullable=False),
)

judgements = Table(
    "risk_judgements",
    control,
    Column("id", String(32), primary_key=True),
    Column("project", String(128), nullable=False),
    Column("model", String(128), nullable=False),
    Column("risk", String(128), nullable=False),
    Column("body", Body(Judgement), nullable=False),
    Index("risk_judgements_by_model", "project", "model", "id"),
)

watches = Table(
    "risk_watches",
    control,
    Column("project", String(128), primary_key=True),
    Column("endpoint", String(128), primary_key=True),
    Column("body", Body(Watch), nullable=False),
)


class RiskRepository:
    """Registers, judgements and watches of one home."""

    def add(self, rows: Rows, project: str, register: RegisterVersion) -> None:
        """Write a fresh register."""
        rows.execute(
            insert(registers).values(project=project, model=register.model, version=register.version, body=register)
        )

    def register(self, rows: Rows, project: str, model: str, version: int | None = None) -> RegisterVersion | None:
        """A model's register of that number, or the newest."""
        statement = select(registers.c.body).where(registers.c.project == project, registers.c.model == model)
        if version is not None:
            statement = statement.where(registers.c.version == version)
        found: RegisterVersion | None = rows.execute(statement.order_by(registers.c.version.desc()).limit(1)).scalar()
        return found

    def registers(self, rows: Rows, project: str, model: str) -> list[RegisterVersion]:
        """A model's registers, newest first, the last thousand."""
        statement = select(registers.c.body).where(registers.c.project == project, registers.c.model == model)
        return list(rows.execute(statement.order_by(registers.c.version.desc()).limit(1000)).scalars())

    def judge(self, rows: Rows, project: str, model: str, judgement: Judgement) -> None:
        """Write a fresh judgement."""
        rows.execute(
            insert(judgements).values(id=new_id(), project=project, model=model, risk=judgement.risk, body=judgement)
        )

    def judgements(self, rows: Rows, project: str, model: str) -> list[Judgement]:
        """What was judged of a model's risks, oldest first."""
        statement = select(judgements.c.body).where(judgements.c.project == project, judgements.c.model == model)
        return list(rows.execute(statement.order_by(judgements.c.id)).scalars())

    def standing(self, rows: Rows, project: str, model: str) -> Standing | None:
        """A model's register as it stands now; none where it has none."""
        register = self.register(rows, project, model)
        if register is None:
            return None
        digests = {name: risk.digest for name, risk in register.register.risks.items()}
        said = {one.risk: one for one in self.judgements(rows, project, model) if digests.get(one.risk) == one.covers}
        return Standing(register=register, judgements=said)

    def of(self, unit: Unit, model: str) -> Standing | None:
        """The same in a unit of work."""
        return self.standing(unit.rows, unit.project, model)

    def watch(self, rows: Rows, project: str, endpoint: str) -> Watch | None:
        """How far an endpoint's traffic was looked at."""
        statement = select(watches.c.body).where(watches.c.project == project, watches.c.endpoint == endpoint)
        found: Watch | None = rows.execute(statement).scalar()
        return found

    def put_watch(self, rows: Rows, project: str, watch: Watch) -> None:
        """Write how far it was."""
        endpoint = watch.watched.endpoint
        here = (watches.c.project == project) & (watches.c.endpoint == endpoint)
        if rows.execute(update(watches).where(here).values(body=watch)).rowcount == 0:
            rows.execute(insert(watches).values(project=project, endpoint=endpoint, body=watch))
