"""How a lease comes on: ordered, confirmed, or failed and free of charge."""

from datetime import datetime, timedelta
from pathlib import Path

from tests.e2e.world import opened
from tests.support.embedded_broker import embedded_broker
from tests.support.villages import pair


async def test_a_lease_that_nobody_answers_fails_and_costs_nothing(tmp_path: Path) -> None:
    with embedded_broker() as broker:
        async with opened(broker, [pair(tmp_path)], tmp_path, lamps=False) as w:
            lease = await w.granted("pair/weg")
            assert lease["outputs_total"] == 2, "unknown outputs count as missing"
            seen = await w.lease("pair", lease["id"])
            assert seen["state"] in ("granted", "ordered")
            assert seen["outputs_confirmed"] == 0
            failed = await w.lease_until("pair", lease["id"], "failed")
            assert (failed["outputs_confirmed"], failed["outputs_total"]) == (0, 2)

            # Two minutes at a stretch are allowed. Had the failed lease counted, less than one would be left.
            await w.clock(minutes=1)
            await w.start_lamps()
            lease = await w.granted("pair/weg")
            assert _length(lease) == timedelta(minutes=1)
            lit = await w.lease_until("pair", lease["id"], "lit")
            assert (lit["outputs_confirmed"], lit["outputs_total"]) == (2, 2)

            await w.clock(minutes=1)  # this one counts: too little is left
            refused = await w.press("pair/weg")
            assert (refused.status_code, refused.json()["reason"]) == (429, "longest")
            assert int(refused.headers["retry-after"]) >= 1


def _length(lease: dict[str, str]) -> timedelta:
    return datetime.fromisoformat(lease["until"]) - datetime.fromisoformat(lease["from"])
