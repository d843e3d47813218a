"""How controllers get in and out: claim codes, and forgetting what a controller said when another takes its place."""

from sqlalchemy import Integer, bindparam, delete, select

from service.domain.inventory import ControllerKey
from service.ports import ClaimCode
from service.store import tables
from service.store.tables import table
from service.store.tx_base import AnyRow, AnySelect, BaseTx, controller, meter, municipality, output

claim = table(tables.ClaimCodeRow)

_EVERY_CODE: AnySelect = select(
    claim, municipality.c.slug.label("municipality"), controller.c.slug.label("controller")
).select_from(municipality.join(controller).join(claim, claim.c.controller_id == controller.c.id))
_CODES = _EVERY_CODE.where(municipality.c.slug == bindparam("municipality"))
_CODE = _EVERY_CODE.where(claim.c.digest == bindparam("of_digest"))
_controller = bindparam("of", type_=Integer)
_state = table(tables.ControllerStateRow)
_signal, _level = table(tables.SignalRow), table(tables.OutputStateRow)
_reading = table(tables.MeterStateRow)
_FORGET = (
    *(delete(said).where(said.c.controller_id == _controller) for said in (_state, _signal)),
    delete(_level).where(_level.c.output_id.in_(select(output.c.id).where(output.c.controller_id == _controller))),
    delete(_reading).where(_reading.c.meter_id.in_(select(meter.c.id).where(meter.c.controller_id == _controller))),
)


class CredentialsTx(BaseTx):
    """Claim codes, and making room for another device."""

    def claim_code(self, digest: str) -> ClaimCode | None:
        """A claim code by the hash of it."""
        for row in self._rows(_CODE, of_digest=digest):
            return _code(row)
        return None

    def claim_codes(self, municipality: str) -> list[ClaimCode]:
        """The last claim code made for each controller, by controller."""
        found = [_code(row) for row in self._rows(_CODES, municipality=municipality)]
        return sorted(found, key=lambda code: code.controller)

    def save_claim_code(self, code: ClaimCode) -> None:
        """Replace the controller's claim code: a controller has one at most. ConflictError where another controller
        has a code with its hash."""
        self._upsert(
            claim,
            {
                "controller_id": self._controller(code.controller),
                "digest": code.digest,
                "made_at": code.made_at,
                "expires_at": code.expires_at,
                "used_at": code.used_at,
            },
        )

    def forget_controller(self, controller: ControllerKey) -> None:
        """Forget what a controller said of itself (state, levels, meter readings, signals): another device
        takes its place. Counters of orders and plans, energy and faults stay."""
        of = self._controller(controller)
        for statement in _FORGET:
            self._quick(statement, {"of": of})


def _code(row: AnyRow) -> ClaimCode:
    return ClaimCode(
        ControllerKey(row.municipality, row.controller), row.digest, row.made_at, row.expires_at, row.used_at
    )
