"""Faults, locks, commissioning, alerts and claim codes; buttons, feeders, and what meters and clocks say."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
NO_ALERTS = '{"emails": [], "webhook": null, "quiet_from": null, "quiet_until": null}'


def upgrade() -> None:
    """Add columns to what is there, and make the new tables."""
    _add("municipality", sa.Column("alerts", sa.JSON, nullable=False), NO_ALERTS)
    _add("output", sa.Column("button", sa.Boolean, nullable=False), sa.false())
    _add("meter_state", sa.Column("samples", sa.String, nullable=False), "[]")
    op.add_column("meter_state", sa.Column("volts", sa.Float, nullable=True))
    op.add_column("controller_state", sa.Column("clock_valid", sa.Boolean, nullable=True))
    op.create_table(
        "feeder",
        _ref("feeder", "controller_id", "controller"),
        _ref("feeder", "output_id", "output"),
        sa.PrimaryKeyConstraint("controller_id", name="pk_feeder"),
    )
    _faults()
    _signals()
    _maintenance()
    _alerts()
    op.create_table(
        "claim_code",
        _ref("claim_code", "controller_id", "controller"),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("controller_id", name="pk_claim_code"),
        sa.UniqueConstraint("digest", name="uq_claim_code_digest"),
    )


def _faults() -> None:
    op.create_table(
        "fault",
        sa.Column("public_id", sa.String, nullable=False),
        _ref("fault", "municipality_id", "municipality"),
        _ref("fault", "controller_id", "controller", nullable=True),
        _ref("fault", "output_id", "output", nullable=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("gone_since", sa.BigInteger, nullable=True),
        sa.Column("detail", sa.JSON, nullable=False),
        sa.Column("history", sa.JSON, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("public_id", name="pk_fault"),
    )
    by_state = ["municipality_id", "state", "changed_at"]
    op.create_index("ix_fault_municipality_id_state_changed_at", "fault", by_state)
    op.create_index("ix_fault_changed_at", "fault", ["changed_at"])
    not_closed = "state != 'closed'"
    _one("fault", "municipality_id", f"{not_closed} AND controller_id IS NULL")
    _one("fault", "controller_id", f"{not_closed} AND output_id IS NULL")
    _one("fault", "output_id", not_closed)


def _signals() -> None:
    """What controllers told, and when the service last ran."""
    op.create_table(
        "signal",
        sa.Column("id", KEY, nullable=False),
        _ref("signal", "controller_id", "controller"),
        _ref("signal", "output_id", "output", nullable=True),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_signal"),
    )
    op.create_index("ix_signal_controller_id", "signal", ["controller_id"])
    _one("signal", "controller_id", "output_id IS NULL")
    op.create_index("ix_signal_output_id_kind", "signal", ["output_id", "kind"], unique=True)
    op.create_table(
        "seen_alive",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_seen_alive"),
    )


def _maintenance() -> None:
    op.create_table(
        "maintenance_lock",
        sa.Column("public_id", sa.String, nullable=False),
        _ref("maintenance_lock", "municipality_id", "municipality"),
        _ref("maintenance_lock", "zone_id", "zone", nullable=True),
        _ref("maintenance_lock", "controller_id", "controller", nullable=True),
        _ref("maintenance_lock", "output_id", "output", nullable=True),
        sa.Column("reason", sa.String, nullable=False),
        sa.Column("held_by", sa.String, nullable=False),
        sa.Column("start_at", sa.BigInteger, nullable=False),
        sa.Column("until_at", sa.BigInteger, nullable=False),
        sa.Column("contact", sa.String, nullable=True),
        sa.Column("warned_at", sa.BigInteger, nullable=True),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column("ended_by", sa.String, nullable=True),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("public_id", name="pk_maintenance_lock"),
    )
    op.create_table(
        "output_test",
        sa.Column("public_id", sa.String, nullable=False),
        _ref("output_test", "municipality_id", "municipality"),
        _ref("output_test", "controller_id", "controller"),
        sa.Column("tested_by", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("stages", sa.JSON, nullable=False),
        sa.Column("readings", sa.JSON, nullable=False),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("public_id", name="pk_output_test"),
    )
    op.create_index("ix_output_test_controller_id", "output_test", ["controller_id"])
    for table in ("maintenance_lock", "output_test"):
        op.create_index(f"ix_{table}_municipality_id_ends_at", table, ["municipality_id", "ends_at"])
    op.create_table(
        "commissioned",
        _ref("commissioned", "output_id", "output"),
        sa.Column("watts", sa.Float, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("tested_by", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("output_id", name="pk_commissioned"),
    )


def _alerts() -> None:
    op.create_table(
        "alert",
        sa.Column("public_id", sa.String, nullable=False),
        _ref("alert", "municipality_id", "municipality"),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("about", sa.String, nullable=False),
        sa.Column("urgent", sa.Boolean, nullable=False),
        sa.Column("contact", sa.String, nullable=True),
        sa.PrimaryKeyConstraint("public_id", name="pk_alert"),
    )
    op.create_index("ix_alert_at", "alert", ["at"])
    of = sa.ForeignKey("alert.public_id", name="fk_alert_delivery_alert_alert")
    op.create_table(
        "alert_delivery",
        sa.Column("alert", sa.String, of, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=True),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("sent_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("alert", "channel", name="pk_alert_delivery"),
    )
    op.create_index("ix_alert_delivery_due_at", "alert_delivery", ["due_at"])


def _add(table: str, column: sa.Column[object], filled: str | sa.ColumnElement[bool]) -> None:
    """Add a column that needs a value; the database gives it to the rows that are there, and none to later ones."""
    column.server_default = sa.DefaultClause(filled)
    with op.batch_alter_table(table) as batch:
        batch.add_column(column)
    with op.batch_alter_table(table) as batch:
        batch.alter_column(column.name, existing_type=column.type, existing_nullable=False, server_default=None)


def _one(table: str, of: str, where: str) -> None:
    """At most one row for each kind and what `of` says, among those for which `where` holds."""
    name, only = f"ix_{table}_{of}_kind", sa.text(where)
    op.create_index(name, table, [of, "kind"], unique=True, sqlite_where=only, postgresql_where=only)


def _ref(table: str, column: str, target: str, *, nullable: bool = False) -> sa.Column[int]:
    """A column that refers to the key of another table."""
    key = sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{column}_{target}")
    return sa.Column(column, sa.Integer, key, nullable=nullable)


def downgrade() -> None:
    """Refuse: the tables before had no room for faults and locks."""
    raise RuntimeError("there is no way back from 0003: restore the backup from before")
