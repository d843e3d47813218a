"""Import of what maintenance needs: buttons, feeders, and whom alerts reach."""

import re
from datetime import time
from pathlib import Path

import pytest

from service.domain.inventory import AlertRules, OutputKey
from service.errors import InvalidError
from service.usecases.importing import read_inventory

GOOD = (Path(__file__).parents[2] / "tests/fixtures/leck.toml").read_text("utf-8")

INN = """
[[controller]]
id = "inn"
kind = "luminaire"
name = "Gasthof"
outputs = [{ n = 1, zone = "hauptstrasse", button = true }]
feeder = { controller = "cabinet-1", output = 1 }

[[lamp]]
id = "g-1"
controller = "inn"
output = 1
watts = 20
lat = 54.77
lon = 8.98
pole = "G1"
"""

ALERTS = """
[municipality.alerts]
emails = ["work@leck.example", "First.Last+lamps@a-b.leck.example"]
webhook = "https://hooks.example:8443/dorflicht?key=1"
quiet_from = "22:00"
quiet_until = "06:30"
"""


def alerts(text: str) -> AlertRules:
    """The alert rules of Leck with these lines."""
    return read_inventory(
        GOOD.replace("[schedules]", f"[municipality.alerts]\n{text}\n[schedules]", 1)
    ).municipality.alerts


def test_a_button_and_a_feeder_can_stand_in_the_file() -> None:
    cabinet, inn = read_inventory(GOOD + INN).controllers
    assert [output.button for output in (*cabinet.outputs, *inn.outputs)] == [False, False, True]
    assert (cabinet.feeder, inn.feeder) == (None, OutputKey("leck", "cabinet-1", 1))


def test_whom_alerts_reach_can_stand_in_the_file() -> None:
    told = read_inventory(GOOD.replace("[schedules]", f"{ALERTS}\n[schedules]", 1)).municipality.alerts
    assert told == AlertRules(
        ("work@leck.example", "First.Last+lamps@a-b.leck.example"),
        "https://hooks.example:8443/dorflicht?key=1",
        time(22),
        time(6, 30),
    )
    assert read_inventory(GOOD).municipality.alerts == AlertRules()


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("button = true", 'button = "yes"', "controller.1.outputs.0.button"),
        ('{ controller = "cabinet-1", output = 1 }', '"cabinet-1"', "controller.1.feeder"),
        ("output = 1 }", "output = 9 }", "controller.1.feeder.output"),
        ("output = 1 }", "output = 3 }", "controller inn: feeder: no output 3 at controller 'cabinet-1'"),
        ('"cabinet-1", output = 1 }', '"nowhere", output = 1 }', "inn: feeder: no output 1 at controller 'nowhere'"),
        ('"cabinet-1", output = 1 }', '"inn", output = 1 }', "controller inn: feeder: it is its own; name the cabinet"),
    ],
)
def test_a_button_or_a_feeder_that_is_wrong_is_named(old: str, new: str, says: str) -> None:
    assert old in INN
    with pytest.raises(InvalidError) as refused:
        read_inventory(GOOD + INN.replace(old, new, 1))
    assert says in refused.value.detail


def test_a_feeder_has_no_feeder_itself_so_there_is_no_ring() -> None:
    second = INN.replace("inn", "barn").replace("g-1", "g-2")
    chain = GOOD + INN + second.replace('"cabinet-1", output', '"inn", output')
    with pytest.raises(InvalidError) as refused:
        read_inventory(chain)
    assert refused.value.detail == (
        "controller barn: feeder: inn has a feeder itself; name the cabinet that both hang behind"
    )
    ring = chain.replace('"cabinet-1", output', '"barn", output')
    with pytest.raises(InvalidError) as refused:
        read_inventory(ring)
    assert [line.split(":")[0] for line in refused.value.detail.splitlines()] == ["controller inn", "controller barn"]


BAD_ADDRESSES = (
    "", "leck", "work@", "@leck.example", "work@leck", "a b@leck.example", "work@leck..example", ".work@leck.example",
    "work@-leck.example", "Bauhof <work@leck.example>", "work@leck.example\\nBcc: x@y.example", "a@b@leck.example",
    "wörk@leck.example", "a" * 65 + "@leck.example", "work@" + "a." * 130 + "example",
)  # fmt: skip


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidError) as refused:
        alerts(f'emails = ["work@leck.example", "{address}"]')
    assert re.fullmatch(
        r'municipality\.alerts\.emails\.1: .* is no e-mail address: write it like ".*"', refused.value.detail
    )


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9000/x", "http://[::1]/x", "http://localhost/x", "HTTPS://x.example"]
)
def test_a_webhook_is_https_or_on_this_machine(url: str) -> None:
    assert alerts(f'webhook = "{url}"').webhook == url


BAD_URLS = {
    "http://hooks.example/s3cret": "must begin with https://",
    "http://127.0.0.1.example/s3cret": "must begin with https://",
    "http://10.0.0.1/s3cret": "must begin with https://",
    "ftp://hooks.example/s3cret": "must begin with https://",
    "file:///s3cret": "is no URL",
    "hooks.example/s3cret": "is no URL",
    "https://hooks.example:99999/s3cret": "is no URL",
    "https://[::1/s3cret": "is no URL",
    "https://hooks.example/s3cret\\r\\nX: y": "is no URL",
    "https://hooks.example/s3cret x": "is no URL",
    "https://user:s3cret@hooks.example/": "user name or password",
}


@pytest.mark.parametrize("url", BAD_URLS)
def test_another_webhook_is_refused_and_never_repeated(url: str) -> None:
    with pytest.raises(InvalidError) as refused:
        alerts(f'webhook = "{url}"')
    assert refused.value.detail.startswith("municipality.alerts.webhook: ")
    assert BAD_URLS[url] in refused.value.detail
    assert "s3cret" not in refused.value.detail


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('quiet_from = "22:00"', "municipality.alerts: Value error, quiet_until is missing"),
        ('quiet_until = "06:00"', "municipality.alerts: Value error, quiet_from is missing"),
        ('quiet_from = "22:00"\nquiet_until = "22:00"', "are the same: leave both out"),
        ('quiet_from = "24:00"\nquiet_until = "06:00"', 'alerts.quiet_from: Value error, is no time: write'),
        ('quiet_from = "22:00"\nquiet_until = "6:00"', "municipality.alerts.quiet_until"),
        ('quiet_from = "22:00"\nquiet_until = 06:00:00', "municipality.alerts.quiet_until"),
        ('emails = ["a@leck.example", "b@leck.example", "a@leck.example"]', "a@leck.example stands there twice"),
        ('email = ["a@leck.example"]', "municipality.alerts.email: Extra inputs"),
    ],
)  # fmt: skip
def test_other_rules_that_are_wrong_are_named(text: str, says: str) -> None:
    with pytest.raises(InvalidError) as refused:
        alerts(text)
    assert says in refused.value.detail
