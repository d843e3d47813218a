"""Whoever shows a zone is told when it may have changed."""

from service.loops.watch import LocalWatch


def test_a_ring_raises_the_version_of_its_zone_alone() -> None:
    watch = LocalWatch()
    before = watch.version("a", ["x"]), watch.version("a", ["y"]), watch.version("b", ["x"]), watch.version("a")
    watch.ring("a", ["x"])
    after = watch.version("a", ["x"]), watch.version("a", ["y"]), watch.version("b", ["x"]), watch.version("a")
    assert [new > old for new, old in zip(after, before, strict=True)] == [True, False, False, True]


def test_ring_all_raises_every_version() -> None:
    watch = LocalWatch()
    before = watch.version("a", ["x"]), watch.version("b")
    watch.ring_all()
    assert all(new > old for new, old in zip((watch.version("a", ["x"]), watch.version("b")), before, strict=True))


def test_a_listener_is_woken_until_it_is_ignored() -> None:
    watch = LocalWatch()
    event = watch.listen()
    watch.ring("a", ["x"])
    assert event.is_set()
    event.clear()
    watch.ignore(event)
    watch.ring_all()
    assert not event.is_set()
