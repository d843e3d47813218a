"""The rules file's language: what a filter covers, who may do what, and what is wrong with a file."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.rules import Rules, RulesError, RulesFile, User, covers, is_filter, is_topic

EXAMPLE = Path(__file__).parents[2] / "broker" / "examples" / "good" / "access.json"
OWN = "dorflicht/v1/luetjenholm/cabinet-1"

level = st.sampled_from(["a", "b", "", "$a"])
topics = st.lists(level, min_size=1, max_size=4).map("/".join).filter(is_topic)
filters = st.builds(
    lambda levels, tail: "/".join([*levels, *tail]),
    st.lists(st.one_of(level, st.just("+")), min_size=1, max_size=4),
    st.sampled_from([[], ["#"]]),
).filter(is_filter)


@pytest.mark.parametrize(
    ("allowed", "wanted", "answer"),
    [
        ("a/b", "a/b", True),
        ("a/b", "a/c", False),
        ("a/b", "a/b/c", False),
        ("a/b", "a", False),
        ("a/b", "a/+", False),
        ("a/b", "a/#", False),
        ("a/b", "#", False),
        ("a/+", "a/b", True),
        ("a/+", "a/+", True),
        ("a/+", "a/#", False),
        ("a/+", "a", False),
        ("a/+", "a/b/c", False),
        ("a/#", "a/+/c", True),
        ("a/#", "a/#", True),
        ("a/#", "a", True),
        ("a/#", "ab/c", False),
        ("a/+/#", "a/#", False),
        ("a/+/#", "a/b", True),
        ("#", "a/b", True),
        ("#", "$SYS/a", False),
        ("+/a", "$SYS/a", False),
        ("$SYS/#", "$SYS/a", True),
    ],
)
def test_a_filter_covers_what_it_matches_and_no_more(allowed: str, wanted: str, answer: bool) -> None:
    assert covers(allowed, wanted) is answer


@given(filters, filters, topics)
def test_nothing_comes_through_a_covered_filter_that_the_allowed_one_does_not_match(
    allowed: str, wanted: str, topic: str
) -> None:
    if covers(allowed, wanted) and covers(wanted, topic):
        assert covers(allowed, topic)


@pytest.mark.parametrize("text", ["", "a/#/b", "a#", "#/", "a/b+", "+a", "a\0b", "##"])
def test_what_is_no_filter(text: str) -> None:
    assert not is_filter(text)


@pytest.mark.parametrize("text", ["", "a/+", "#", "a\0"])
def test_what_is_no_topic(text: str) -> None:
    assert not is_topic(text)


def user(**more: Any) -> User:
    fields: dict[str, Any] = {"name": "n", "salt": b"s" * 16, "digest": b"", "client_id": None}
    return User(**(fields | {"publish": (), "subscribe": ()} | more))


def test_a_secret_is_compared_by_its_keyed_hash() -> None:
    digest = hashlib.blake2b("a secret, ä".encode(), key=b"s" * 16, digest_size=32).digest()
    one = user(digest=digest)
    assert one.opens("a secret, ä")
    assert not one.opens("a secret")
    assert not one.opens("")
    assert not user(digest=digest, salt=b"t" * 16).opens("a secret, ä")


def test_a_user_without_rules_may_do_nothing() -> None:
    assert not user().may_publish("a")
    assert not user().may_subscribe("a")


def test_the_example_opens_its_own_topics_alone() -> None:
    one = RulesFile(EXAMPLE).rules.users["luetjenholm.cabinet-1"]
    assert one.may_publish(f"{OWN}/report")
    assert not one.may_publish(f"{OWN}/desired")
    assert not one.may_publish(f"{OWN}/+")
    assert one.may_subscribe(f"{OWN}/desired")
    for foreign in (f"{OWN}/#", f"{OWN}/+", f"{OWN}/report", "#", "dorflicht/v1/+"):
        assert not one.may_subscribe(foreign)


def test_a_bound_client_id_is_its_owners_alone() -> None:
    bound, free = user(name="bound", client_id="c"), user(name="free")
    rules = Rules({"bound": bound, "free": free})
    assert rules.may_call_itself(bound, "c")
    assert not rules.may_call_itself(bound, "d")
    assert rules.may_call_itself(free, "d")
    assert not rules.may_call_itself(free, "c")
    with pytest.raises(RulesError, match="client_id"):
        Rules({"bound": bound, "second": user(name="second", client_id="c")})


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"secret": "plain"}, "users.u.secret"),
        ({"secret": None}, "users.u.secret"),
        ({"publish": "a"}, "users.u.publish"),
        ({"publish": ["a/#/b"]}, "users.u.publish"),
        ({"subscribe": [3]}, "users.u.subscribe"),
        ({"client_id": 3}, "users.u.client_id"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path: Path, change: dict[str, Any], field: str) -> None:
    [entry] = json.loads(EXAMPLE.read_text("utf-8"))["users"].values()
    path = tmp_path / "access.json"
    path.write_text(json.dumps({"users": {"u": entry | change}}), "utf-8")
    with pytest.raises(RulesError, match=field):
        RulesFile(path)


def test_a_file_is_read_again_when_it_was_replaced_and_complained_about_once(tmp_path: Path) -> None:
    path, following = tmp_path / "access.json", tmp_path / "following.json"
    path.write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    file = RulesFile(path)
    assert not file.refresh()
    following.write_text('{"users": {}}', "utf-8")
    following.replace(path)
    assert file.refresh()
    assert file.rules.users == {}
    path.unlink()
    with pytest.raises(RulesError, match="cannot be read"):
        file.refresh()
    assert not file.refresh()
    path.write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    assert file.refresh()
    assert len(file.rules.users) == 1
