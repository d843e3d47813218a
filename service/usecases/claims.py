"""Claims: what leases, locks and commissioning tests ask of outputs beyond their plans."""

from dataclasses import dataclass, field
from datetime import datetime

from service.domain.inventory import Output, ZoneKey
from service.domain.leases import Lease
from service.domain.maintenance import Lock, OutputTest
from service.domain.orders import Claim, claims_of
from service.domain.words import Cause
from service.ports import Tx


@dataclass(frozen=True, slots=True)
class Claims:
    """All that is claimed in a municipality from `now` on."""

    now: datetime
    leases: tuple[Lease, ...]
    locks: tuple[Lock, ...]
    tests: tuple[OutputTest, ...]
    _pressed: dict[ZoneKey, list[Claim]] = field(default_factory=dict)

    def of(self, output: Output) -> list[Claim]:
        """What is claimed for an output, presses in the order in which they were bought."""
        zone = ZoneKey(output.key.municipality, output.zone)
        if zone not in self._pressed:
            self._pressed[zone] = claims_of(zone, self.leases, self.now)
        return [*maintained(output, self.locks, self.tests), *self._pressed[zone]]


def gather_claims(tx: Tx, municipality: str, now: datetime) -> Claims:
    """Read what is claimed in a municipality."""
    leases = tuple(lease for lease, _ in tx.leases_running(municipality, now))
    locks, tests = tuple(tx.locks(municipality, now)), tuple(tx.output_tests(municipality, now))
    return Claims(now, leases, locks, tests)


def maintained(output: Output, locks: tuple[Lock, ...], tests: tuple[OutputTest, ...]) -> list[Claim]:
    """What locks and commissioning tests claim for an output."""
    held = [Claim(lock.start, lock.ends, 0, Cause.LOCK, lock.id) for lock in locks if lock.holds(output)]
    tested = [
        Claim(stage.start, min(stage.until, test.until), 100, Cause.TEST, test.id)
        for test in tests
        if test.controller == output.key.owner
        for stage in test.stages
        if stage.output == output.key.n
    ]
    return held + [claim for claim in tested if claim.start < claim.until]
