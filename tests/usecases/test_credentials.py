"""How controllers get in and out, on a real store and a real broker, with crashes at the moments that matter."""

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from broker.rules import RulesFile
from service.domain.codes import ALPHABET, RANDOM, write_code
from service.domain.inventory import ControllerKey
from service.domain.reports import ControllerState, Message
from service.domain.words import Availability
from service.errors import ConflictError, InvalidError, UnavailableError, UnknownError
from service.ports import Access
from service.store import SqlStore
from service.usecases.credentials import Credential, Label, add, claim, replace_device, revoke, rotate
from service.usecases.enroll import Enrolled, enroll
from service.usecases.standings import Standing, standings
from service.wire.access import RulesFileAccess, replace_file, user_name
from service.wire.dynsec import DynsecAccess
from service.wire.farewell import MqttFarewell
from service.wire.lamps import Broker
from tests.support.broker_process import BrokerProcess
from tests.support.embedded_broker import embedded_broker
from tests.support.ports import free_port
from tests.unit.villages import luetjenholm
from tests.usecases.acting import Village

FORTNIGHT = timedelta(days=14)
CABINET = ControllerKey("luetjenholm", "cabinet-1")
LAMPS = (ControllerKey("glasau", "lamp-01"), ControllerKey("glasau", "lamp-02"))


class PowerCut(BaseException):
    """The machine stops here."""


def nothing(_: Credential) -> None:
    """A secret that is shown, not written to a file."""


@dataclass
class CutAccess(RulesFileAccess):
    """The rules file, on a machine that stops before or after it lets somebody in."""

    path: Path
    after: bool

    def __post_init__(self) -> None:
        super().__init__(self.path)

    async def add(self, secrets: Mapping[ControllerKey, str]) -> None:
        """Let in, or not, and stop."""
        if self.after:
            await super().add(secrets)
        raise PowerCut


@dataclass
class Office:
    """The command line's use cases over one store and one broker, with a clock whose hands the test turns."""

    store: SqlStore
    access: Access
    farewell: MqttFarewell
    now: datetime
    rules: Path

    def later(self, **by: float) -> None:
        """Turn the clock's hands."""
        self.now += timedelta(**by)

    async def add(self, *keys: ControllerKey) -> list[Label]:
        return await add(self.store, self.access, self.farewell, keys or (CABINET,), self.now, FORTNIGHT)

    async def claim(self, code: str, access: Access | None = None) -> Credential:
        return await claim(self.store, access or self.access, code, nothing, self.now)

    async def replace(self, key: ControllerKey = CABINET) -> Label:
        return await replace_device(self.store, self.access, self.farewell, key, self.now, FORTNIGHT)

    async def revoke(self, key: ControllerKey = CABINET) -> None:
        await revoke(self.store, self.access, self.farewell, key, self.now)

    async def rotate(self, key: ControllerKey = CABINET) -> Credential:
        return await rotate(self.store, self.access, self.farewell, key, nothing, self.now)

    async def standing(self, key: ControllerKey = CABINET) -> Standing:
        found = await standings(self.store, self.access, key.municipality, self.now)
        return next(standing for standing in found if standing.controller == key)

    async def let_in(self) -> str:
        """Let the cabinet in, and return its secret."""
        [label] = await self.add()
        return (await self.claim(label.code)).secret

    def opens(self, secret: str, key: ControllerKey = CABINET) -> bool:
        """Whether a secret opens the broker."""
        user = RulesFile(self.rules).rules.users.get(user_name(key))
        return user is not None and user.opens(secret)


@pytest.fixture(scope="module")
def broker() -> Iterator[BrokerProcess]:
    with embedded_broker() as running:
        yield running


@pytest.fixture
async def office(store: SqlStore, broker: BrokerProcess, village: Village) -> Office:
    for key in await broker.access.known():
        await broker.access.revoke(key)
    address = Broker(broker.host, broker.port, broker.service_username, broker.service_password)
    return Office(store, broker.access, MqttFarewell(address), village.now, broker.folder / "access.json")


def content(*paths: Path) -> bytes:
    """What stands in files."""
    return b"".join(path.read_bytes() for path in paths)


def away() -> tuple[DynsecAccess, MqttFarewell]:
    """Mosquitto and its farewell, where there is no broker."""
    port = free_port()
    broker = Broker("127.0.0.1", port, "service", "x" * 32)
    return DynsecAccess("127.0.0.1", port, "service", "x" * 32, timeout=2), MqttFarewell(broker, timeout=2)


# in


async def test_a_code_becomes_a_secret_once(office: Office) -> None:
    [label] = await office.add()
    assert (label.controller, label.municipality, label.expires_at) == (CABINET, "Lütjenholm", office.now + FORTNIGHT)
    assert label.outputs == ((1, "Dorf"),)
    given = await office.claim(f" {label.code.lower()} ")
    assert given.controller == CABINET
    assert len(given.secret) >= 43, "256 bits"
    assert office.opens(given.secret)
    with pytest.raises(ConflictError, match=r"used on 2026-11-22 .*rotate luetjenholm/cabinet-1.*replace luetjen"):
        await office.claim(label.code)
    assert office.opens(given.secret)


async def test_a_code_is_good_up_to_its_end_and_not_at_it(office: Office) -> None:
    first, second = await office.add(*LAMPS)
    office.later(days=14, milliseconds=-1)
    assert office.opens((await office.claim(first.code)).secret, LAMPS[0])
    office.later(milliseconds=1)
    with pytest.raises(ConflictError, match=r"not good since 2026-12-06 .*add glasau/lamp-02"):
        await office.claim(second.code)
    assert await office.access.known() == {LAMPS[0]}


async def test_a_newer_code_takes_the_place_of_an_unused_one(office: Office) -> None:
    [old], [new] = await office.add(), await office.add()
    assert old.code != new.code
    with pytest.raises(UnknownError):
        await office.claim(old.code)
    assert office.opens((await office.claim(new.code)).secret)


async def test_slips_are_caught_before_anything_is_looked_up(office: Office) -> None:
    [label] = await office.add()
    wrong = next(char for char in ALPHABET if char != label.code[0])
    await office.store.close()
    with pytest.raises(InvalidError, match=r"code: .*mistyped"):
        await office.claim(wrong + label.code[1:])
    with pytest.raises(UnavailableError):
        await office.claim(label.code)


async def test_all_wrong_codes_are_answered_alike(office: Office) -> None:
    [label] = await office.add()
    numbers = [ALPHABET.index(char) for char in label.code.replace("-", "")[:RANDOM]]
    near = write_code([*numbers[:-1], (numbers[-1] + 1) % len(ALPHABET)])
    answers = set()
    for wrong in (near, write_code([0] * RANDOM)):
        with pytest.raises(UnknownError) as refused:
            await office.claim(wrong)
        answers.add(refused.value.detail)
    assert len(answers) == 1
    assert office.opens((await office.claim(label.code)).secret), "the right one is still good"


async def test_what_cannot_be_added_is_said_and_none_of_it_is(office: Office) -> None:
    [waiting] = await office.add(LAMPS[0])
    with pytest.raises(UnknownError, match=r"no glasau/lamp-99 .*dorflicht import"):
        await office.add(LAMPS[0], ControllerKey("glasau", "lamp-99"))
    secret = await office.let_in()
    with pytest.raises(ConflictError, match=r"cabinet-1 is let in .*rotate luetjen.*replace luetjen"):
        await office.add(LAMPS[0], CABINET)
    assert office.opens(secret)
    assert office.opens((await office.claim(waiting.code)).secret, LAMPS[0]), "its code was replaced"


async def test_a_claim_closes_nobody_who_came_another_way(office: Office) -> None:
    [label] = await office.add()
    await office.access.add({CABINET: "s" * 43})
    with pytest.raises(ConflictError, match="without this code"):
        await office.claim(label.code)
    assert office.opens("s" * 43)


async def test_neither_codes_nor_secrets_are_kept(office: Office, tmp_path: Path) -> None:
    [waiting] = await office.add(LAMPS[0])
    secrets = [await office.let_in(), (await office.rotate()).secret]
    kept = content(*tmp_path.glob("store.db*"), office.rules)  # noqa: ASYNC240 - a few small files
    assert b"lamp-01" in kept
    for clear in (waiting.code, waiting.code.replace("-", ""), *secrets):
        assert clear.encode() not in kept
    assert waiting.code not in repr(waiting)
    assert secrets[0] not in repr(Credential(CABINET, secrets[0]))


# crashes and collisions


async def test_of_two_claims_at_once_one_gets_in(office: Office) -> None:
    [label] = await office.add()
    ends = await asyncio.gather(*(office.claim(label.code) for _ in range(5)), return_exceptions=True)
    [given] = [end for end in ends if isinstance(end, Credential)]
    assert all(isinstance(end, ConflictError) for end in ends if end is not given)
    assert office.opens(given.secret)


async def test_a_power_cut_before_the_secret_opens_leaves_the_code_good(office: Office) -> None:
    [label] = await office.add()
    with pytest.raises(PowerCut):
        await office.claim(label.code, CutAccess(office.rules, after=False))
    with pytest.raises(ConflictError, match="again in a minute"):
        await office.claim(label.code)
    office.later(minutes=1)
    assert office.opens((await office.claim(label.code)).secret)
    with pytest.raises(ConflictError, match="used"):
        await office.claim(label.code)


async def test_a_power_cut_while_the_secret_is_written_leaves_the_code_good(office: Office) -> None:
    [label] = await office.add()

    def cut(_: Credential) -> None:
        raise PowerCut

    with pytest.raises(PowerCut):
        await claim(office.store, office.access, label.code, cut, office.now)
    assert await office.access.known() == set()
    office.later(minutes=1)
    assert office.opens((await office.claim(label.code)).secret)


@pytest.mark.parametrize("after", [False, True])
async def test_a_claim_that_was_cut_off_is_repaired_by_rotate(office: Office, after: bool) -> None:
    [label] = await office.add()
    with pytest.raises(PowerCut):
        await office.claim(label.code, CutAccess(office.rules, after=after))
    office.later(minutes=1)
    secret = (await office.rotate()).secret
    assert office.opens(secret)
    with pytest.raises(ConflictError, match="used"):
        await office.claim(label.code)
    assert office.opens(secret)


async def test_a_broker_that_is_away_leaves_all_as_it_was(office: Office) -> None:
    secret = await office.let_in()
    [label] = await office.add(LAMPS[0])
    nobody, silent = away()
    there = office.access, office.farewell
    office.access, office.farewell = nobody, silent
    for attempt in (
        office.add(LAMPS[1]),
        office.claim(label.code),
        office.replace(),
        office.revoke(),
        office.rotate(),
    ):
        with pytest.raises(UnavailableError):
            await attempt
    assert (await office.standing()).let_in is None
    office.access, office.farewell = there
    assert office.opens(secret)
    assert await office.store.read(lambda tx: len(tx.claim_codes("glasau"))) == 1
    assert office.opens((await office.claim(label.code)).secret, LAMPS[0])


async def test_a_broker_that_goes_during_a_claim_leaves_the_code_good_at_once(office: Office) -> None:
    class Gone(RulesFileAccess):
        async def add(self, secrets: Mapping[ControllerKey, str]) -> None:
            raise UnavailableError("away")

    [label] = await office.add()
    with pytest.raises(UnavailableError):
        await office.claim(label.code, Gone(office.rules))
    assert office.opens((await office.claim(label.code)).secret)


async def test_who_is_revoked_during_a_claim_stays_out(office: Office) -> None:
    class Meanwhile(RulesFileAccess):
        async def add(self, secrets: Mapping[ControllerKey, str]) -> None:
            await office.revoke()
            await super().add(secrets)

    [label] = await office.add()
    with pytest.raises(ConflictError, match="withdrawn"):
        await office.claim(label.code, Meanwhile(office.rules))
    assert await office.access.known() == set()


# out


async def test_who_is_revoked_is_out_and_so_is_its_code(office: Office) -> None:
    secret = await office.let_in()
    await office.revoke()
    assert not office.opens(secret)
    await office.revoke()
    with pytest.raises(ConflictError, match="add luetjenholm/cabinet-1"):
        await office.rotate()
    [unused] = await office.add()
    await office.revoke()
    with pytest.raises(ConflictError, match="not good since"):
        await office.claim(unused.code)
    assert await office.access.known() == set()
    with pytest.raises(UnknownError, match="lamp-99"):
        await office.revoke(ControllerKey("glasau", "lamp-99"))


async def test_no_used_code_comes_back_to_life_when_its_controller_is_revoked(office: Office) -> None:
    [label] = await office.add()
    await office.claim(label.code)
    await office.access.revoke(CABINET)  # by hand, past us
    office.later(days=1)
    with pytest.raises(ConflictError, match="used"):
        await office.claim(label.code)
    [label] = await office.add()
    with pytest.raises(PowerCut):
        await office.claim(label.code, CutAccess(office.rules, after=True))
    await office.revoke()
    office.later(days=1)
    with pytest.raises(ConflictError, match="used"):
        await office.claim(label.code)
    with pytest.raises(ConflictError, match="not let in"):
        await office.rotate()


async def test_who_left_the_inventory_can_be_revoked(office: Office) -> None:
    stranger = ControllerKey("glasau", "lamp-99")
    await office.access.add({stranger: "s" * 43})
    await office.revoke(stranger)
    assert await office.access.known() == set()


async def test_revoked_without_a_farewell_is_said_and_repeated(office: Office) -> None:
    secret = await office.let_in()
    there, office.farewell = office.farewell, away()[1]
    with pytest.raises(UnavailableError, match=r"cabinet-1 is revoked.*nobody was told.*Repeat"):
        await office.revoke()
    assert not office.opens(secret)
    office.farewell = there
    await office.revoke()


async def test_a_rotated_secret_is_told_though_the_broker_went(office: Office) -> None:
    old = await office.let_in()
    office.farewell = away()[1]
    new = (await office.rotate()).secret
    assert office.opens(new)
    assert not office.opens(old)


async def test_another_device_is_heard_from_its_first_word_and_books_no_wrong_energy(
    office: Office, village: Village
) -> None:
    old = await office.let_in()
    await village.say(village.status("cabinet-1", session=40))
    await village.say(village.report("cabinet-1", {1: 0}, session=40, boot=9, seq=500, wh=90_000.0))
    village.later(hours=1)
    await village.say(village.report("cabinet-1", {1: 0}, session=40, boot=9, seq=501, wh=90_010.0))
    label = await office.replace()
    assert not office.opens(old)
    standing = await office.standing()
    assert (standing.let_in, standing.code_until, standing.heard_at) == (False, label.expires_at, None)
    # A service may still have had the old one's last report on its way.
    await village.say(village.report("cabinet-1", {1: 0}, session=40, boot=9, seq=502, wh=90_011.0))
    assert office.opens((await office.claim(label.code)).secret)
    village.later(minutes=5)
    first: list[Message] = [
        village.status("cabinet-1", session=1),
        village.report("cabinet-1", {1: 0}, session=1, boot=1, seq=1, wh=90_500.0),
    ]
    assert not (await village.say(*first)).dropped
    village.later(minutes=5)
    done = await village.say(village.report("cabinet-1", {1: 0}, session=1, boot=1, seq=2, wh=90_503.0))
    assert not done.dropped
    standing = await office.standing()
    assert (standing.availability, standing.heard_at) == (Availability.ONLINE, village.now)
    booked = sum(row.energy_mwh for row in await village.entries())
    assert booked == 13_000, "10 Wh of the old meter and 3 Wh of the new one"


async def test_who_comes_gets_its_order_and_plan_anew(office: Office, village: Village) -> None:
    before = await village.conduct()
    assert not (await village.conduct()).plans
    await office.let_in()
    after = await village.conduct()
    [was], [plan] = before.plans, after.plans
    assert plan.plan_n > was.plan_n
    assert after.orders[0].desired_n > before.orders[0].desired_n


async def test_who_was_heard_before_and_is_added_again_may_be_another_device(office: Office, village: Village) -> None:
    await office.let_in()
    await village.say(village.status("cabinet-1", session=40))
    await office.revoke()
    await office.add()
    states = await office.store.read(lambda tx: tx.controller_states([CABINET]))
    assert states[CABINET] == ControllerState()


# the list


async def test_the_list_tells_who_is_in_who_waits_and_what_was_heard(office: Office, village: Village) -> None:
    await office.let_in()
    await office.add(LAMPS[0])
    village.later(seconds=5)
    await village.say(village.status("cabinet-1"), village.report("cabinet-1", {1: 0}))
    assert await office.standing() == Standing(
        CABINET, "Schaltschrank", True, None, Availability.ONLINE, village.now, "test", True
    )
    waiting, other = await office.standing(LAMPS[0]), await office.standing(LAMPS[1])
    assert (waiting.let_in, waiting.code_until) == (False, office.now + FORTNIGHT)
    assert (other.let_in, other.code_until, other.availability) == (False, None, Availability.UNKNOWN)
    everywhere = await standings(office.store, office.access, None, office.now)
    assert {re.sub("-.*", "", standing.controller.controller) for standing in everywhere} == {"cabinet", "lamp"}
    office.later(days=14)
    assert (await office.standing(LAMPS[0])).code_until is None
    with pytest.raises(UnknownError, match="municipality: there is no 'nowhere'"):
        await standings(office.store, office.access, "nowhere", office.now)


@pytest.mark.parametrize("done", ["added", "claimed", "replaced", "revoked"])
async def test_an_import_with_credentials_leaves_alone_whom_codes_let_in_or_out(
    office: Office, tmp_path: Path, done: str
) -> None:
    file = tmp_path / "credentials.json"

    async def imported() -> Enrolled:
        return await enroll(office.store, office.access, [luetjenholm()], file, replace_file, office.now)

    secret = ""
    if done == "added":
        await office.add()
    elif done == "claimed":
        secret = await office.let_in()
    else:
        assert (await imported()).new == 1
        await (office.replace() if done == "replaced" else office.revoke())
    enrolled = await imported()
    assert (enrolled.new, enrolled.left) == (0, (CABINET,))
    assert (CABINET in await office.access.known()) is (done == "claimed")
    assert done != "claimed" or office.opens(secret)
