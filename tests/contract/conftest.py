"""Fixtures that the contract suites share."""

from tests.support.stores import blank_url, migrated_file, postgres, store, store_url, village

__all__ = ["blank_url", "migrated_file", "postgres", "store", "store_url", "village"]
