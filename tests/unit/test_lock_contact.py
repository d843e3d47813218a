"""The contact of a lock is one e-mail address, or the request is refused and says so."""

import httpx
import pytest
from fastapi import FastAPI

from service.api.problems import install
from service.api.technician_bodies import LockRequest
from tests.support.leck import NOW
from tests.support.mail import HandClock


@pytest.mark.parametrize(
    "contact", ["a@b, c@d", "holder@leck", "a@leck..test", "ä@leck.test", "a@leck.test\n", "@leck.test", ""]
)
async def test_what_is_no_address_is_refused_by_name(contact: str) -> None:
    app = FastAPI()
    install(app, HandClock(NOW))

    @app.post("/")
    async def _lock(asked: LockRequest) -> str | None:
        return asked.contact

    asked = {"zone": "dorf", "reason": "x", "until": "2026-11-22T18:00:00Z"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lights.test") as client:
        refused = await client.post("/", json={**asked, "contact": contact})
        taken = await client.post("/", json={**asked, "contact": "holder@leck.test"})
    assert refused.status_code == 422
    assert "contact" in refused.json()["detail"]
    assert taken.json() == "holder@leck.test"
