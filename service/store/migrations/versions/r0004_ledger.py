"""The ledger: entries with level, burning time and quality, roll-ups, readings, signatures; former orders."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

CAUSES = {
    "lock": 1, "rescue": 2, "safety": 3, "test": 4, "override": 5,
    "press": 6, "local": 7, "exception": 8, "schedule": 9, "failsafe": 10,
}  # fmt: skip
MEASURED = 1
QUARTER = 900_000_000
HOUR = 3_600_000_000
"""Microseconds."""


def upgrade() -> None:
    """Make the entries anew, add the new tables and columns, and drop the keys of reports."""
    _entries()
    _rollups()
    _state()
    _papers()
    _add("municipality", sa.Column("supply_points", sa.JSON, nullable=False), "[]")
    op.create_table(
        "fixed_price",
        _ref("fixed_price", "municipality_id", "municipality"),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("per_year", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "valid_from", name="pk_fixed_price"),
    )
    op.create_table(
        "inventory_version",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_inventory_version"),
    )
    op.add_column("controller_state", sa.Column("followed", sa.String, nullable=True))
    op.add_column("sent_order", sa.Column("former_n", sa.BigInteger, nullable=True))
    op.add_column("sent_order", sa.Column("former", sa.JSON, nullable=True))
    op.add_column("sent_order", sa.Column("former_at", sa.BigInteger, nullable=True))
    op.drop_table("report_key")


def _entries() -> None:
    op.drop_index("ix_energy_entry_output_id_start_at", "energy_entry")
    op.rename_table("energy_entry", "energy_entry_before")
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("pk_energy_entry", "energy_entry_before")
    op.create_table(
        "energy_entry",
        sa.Column("energy_mwh", sa.BigInteger, nullable=False),
        sa.Column("length_us", sa.BigInteger, nullable=True),
        sa.Column("lit_us", sa.BigInteger, nullable=True),
        sa.Column("quarter", sa.Integer, nullable=False),
        sa.Column("output_id", sa.Integer, nullable=False),
        sa.Column("start_us", sa.Integer, nullable=False),
        sa.Column("zone_id", sa.Integer, nullable=False),
        sa.Column("n", sa.SmallInteger, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("cause", sa.SmallInteger, nullable=False),
        sa.Column("quality", sa.SmallInteger, nullable=False),
        sa.Column("ref", sa.String, nullable=True),
        sa.PrimaryKeyConstraint("quarter", "output_id", "start_us", "n", name="pk_energy_entry"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "energy_coarse",
        sa.Column("energy_mwh", sa.BigInteger, nullable=False),
        sa.Column("quarter", sa.Integer, nullable=False),
        sa.Column("zone_id", sa.Integer, nullable=False),
        sa.Column("quarters", sa.SmallInteger, nullable=False),
        sa.Column("level", sa.SmallInteger, nullable=False),
        sa.Column("cause", sa.SmallInteger, nullable=False),
        sa.Column("quality", sa.SmallInteger, nullable=False),
        sa.Column("entries", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("quarter", "zone_id", "quarters", "level", "cause", "quality", name="pk_energy_coarse"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "coarse_output",
        _ref("coarse_output", "output_id", "output"),
        sa.PrimaryKeyConstraint("output_id", name="pk_coarse_output"),
    )


def _rollups() -> None:
    """The tables that are worked out of entries, and the old entries, all of whose hours are to be rolled up."""
    op.create_table(
        "energy_rolled",
        sa.Column("energy_mwh", sa.BigInteger, nullable=False),
        sa.Column("start_at", sa.BigInteger, nullable=False),
        _ref("energy_rolled", "zone_id", "zone"),
        sa.Column("period", sa.SmallInteger, nullable=False),
        sa.Column("cause", sa.SmallInteger, nullable=False),
        sa.Column("quality", sa.SmallInteger, nullable=False),
        sa.PrimaryKeyConstraint("zone_id", "period", "start_at", "cause", "quality", name="pk_energy_rolled"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "energy_stale",
        _ref("energy_stale", "municipality_id", "municipality"),
        sa.Column("hour_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "hour_at", name="pk_energy_stale"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "burnt_month",
        _ref("burnt_month", "output_id", "output"),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("level", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("lit", sa.BigInteger, nullable=False),
        sa.Column("energy_mwh", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("output_id", "month", "level", name="pk_burnt_month"),
        sqlite_with_rowid=False,
    )
    _take_over()
    op.drop_table("energy_entry_before")


def _take_over() -> None:
    """The old ledger knew no levels: what used energy counts as lit fully, and all the time.

    Its entries ended at full hours of UTC. Where local time has its full hours in between, some reach over one: there
    they stay whole, in the hour in which they begin.
    """
    causes = " ".join(f"WHEN '{cause}' THEN {number}" for cause, number in CAUSES.items())
    op.execute(
        f"""
        INSERT INTO energy_entry
            (quarter, output_id, start_us, n, energy_mwh, length_us, lit_us, zone_id, level, cause, quality, ref)
        SELECT start_at / {QUARTER}, output_id, start_at % {QUARTER},
            row_number() OVER (PARTITION BY output_id, start_at ORDER BY id) - 1,
            energy_mwh, NULLIF(end_at - start_at, {HOUR}), NULL, zone_id,
            CASE WHEN energy_mwh > 0 AND cause <> 'lock' THEN 100 ELSE 0 END,
            CASE cause {causes} END, {MEASURED}, NULL
        FROM energy_entry_before
        """  # noqa: S608 - numbers and words from above
    )
    op.execute(
        f"""
        INSERT INTO energy_stale (municipality_id, hour_at)
        SELECT DISTINCT zone.municipality_id, start_at / {HOUR} * {HOUR}
        FROM energy_entry_before JOIN zone ON zone.id = energy_entry_before.zone_id
        """  # noqa: S608 - a number from above
    )


def _state() -> None:
    op.create_table(
        "ledger_state",
        _ref("ledger_state", "municipality_id", "municipality"),
        sa.Column("coarse_until", sa.BigInteger, nullable=True),
        sa.Column("kept_from", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", name="pk_ledger_state"),
    )


def _papers() -> None:
    """Readings and signatures."""
    op.create_table(
        "utility_reading",
        _ref("utility_reading", "municipality_id", "municipality"),
        sa.Column("public_id", sa.String, nullable=False),
        sa.Column("supply_point", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kwh", sa.String, nullable=False),
        sa.Column("entered_by", sa.String, nullable=False),
        sa.Column("entered_at", sa.BigInteger, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("withdrawn_by", sa.String, nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("municipality_id", "public_id", name="pk_utility_reading"),
    )
    op.create_table(
        "signed_statement",
        _ref("signed_statement", "municipality_id", "municipality"),
        sa.Column("month", sa.Date, nullable=False),
        sa.Column("signed_by", sa.String, nullable=False),
        sa.Column("signed_at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "month", name="pk_signed_statement"),
    )


def _add(table: str, column: sa.Column[object], filled: str) -> None:
    """Add a column that needs a value; the database gives it to the rows that are there, and none to later ones."""
    column.server_default = sa.DefaultClause(filled)
    with op.batch_alter_table(table) as batch:
        batch.add_column(column)
    with op.batch_alter_table(table) as batch:
        batch.alter_column(column.name, existing_type=column.type, existing_nullable=False, server_default=None)


def _ref(table: str, column: str, target: str) -> sa.Column[int]:
    """A column that refers to the key of another table."""
    key = sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{column}_{target}")
    return sa.Column(column, sa.Integer, key, nullable=False)


def downgrade() -> None:
    """Refuse: the tables before had no room for levels, roll-ups and signatures."""
    raise RuntimeError("there is no way back from 0004: restore the backup from before")
