"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _village()
    _controllers()
    _presses()
    _orders()
    _reports()


def _village() -> None:
    """What stands in the village."""
    op.create_table(
        "municipality",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("slug", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("tz", sa.String, nullable=False),
        sa.Column("lat", sa.Float, nullable=False),
        sa.Column("lon", sa.Float, nullable=False),
        sa.Column("language", sa.String, nullable=False),
        sa.Column("currency", sa.String, nullable=False),
        sa.Column("safety_schedule", sa.JSON, nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_municipality"),
        sa.UniqueConstraint("slug", name="uq_municipality_slug"),
    )
    op.create_table(
        "price",
        _ref("price", "municipality_id", "municipality"),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("per_kwh", sa.String, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "valid_from", name="pk_price"),
    )
    op.create_table(
        "zone",
        sa.Column("id", sa.Integer, nullable=False),
        _ref("zone", "municipality_id", "municipality"),
        sa.Column("slug", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_zone"),
        sa.UniqueConstraint("municipality_id", "slug", name="uq_zone_municipality_id_slug"),
    )
    op.create_table(
        "zone_along",
        _ref("zone_along", "zone_id", "zone"),
        _ref("zone_along", "along_id", "zone"),
        sa.Column("position", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("zone_id", "along_id", name="pk_zone_along"),
    )
    op.create_table(
        "policy",
        sa.Column("id", sa.Integer, nullable=False),
        _ref("policy", "zone_id", "zone"),
        sa.Column("valid_from", sa.BigInteger, nullable=False),
        sa.Column("schedule", sa.JSON, nullable=False),
        sa.Column("minutes", sa.Integer, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("longest_minutes", sa.Integer, nullable=False),
        sa.Column("rest_minutes", sa.Integer, nullable=False),
        sa.Column("fail_state", sa.String, nullable=False),
        sa.Column("cut_off_after_min", sa.Integer, nullable=False),
        sa.Column("resolution", sa.String, nullable=True),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_policy"),
    )
    op.create_index("ix_policy_zone_id_valid_from", "policy", ["zone_id", "valid_from"])


def _controllers() -> None:
    """Controllers and what hangs on them."""
    op.create_table(
        "controller",
        sa.Column("id", sa.Integer, nullable=False),
        _ref("controller", "municipality_id", "municipality"),
        sa.Column("slug", sa.String, nullable=False),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_controller"),
        sa.UniqueConstraint("municipality_id", "slug", name="uq_controller_municipality_id_slug"),
    )
    op.create_table(
        "output",
        sa.Column("id", sa.Integer, nullable=False),
        _ref("output", "controller_id", "controller"),
        sa.Column("n", sa.Integer, nullable=False),
        _ref("output", "zone_id", "zone"),
        sa.Column("min_level", sa.Integer, nullable=False),
        sa.Column("max_level", sa.Integer, nullable=False),
        sa.Column("step", sa.Integer, nullable=False),
        sa.Column("safety", sa.Boolean, nullable=False),
        sa.Column("lamps", sa.Integer, nullable=False),
        sa.Column("watts", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_output"),
        sa.UniqueConstraint("controller_id", "n", name="uq_output_controller_id_n"),
    )
    op.create_index("ix_output_zone_id", "output", ["zone_id"])
    op.create_table(
        "meter",
        sa.Column("id", sa.Integer, nullable=False),
        _ref("meter", "controller_id", "controller"),
        sa.Column("n", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_meter"),
        sa.UniqueConstraint("controller_id", "n", name="uq_meter_controller_id_n"),
    )
    op.create_table(
        "meter_output",
        _ref("meter_output", "meter_id", "meter"),
        _ref("meter_output", "output_id", "output"),
        sa.PrimaryKeyConstraint("meter_id", "output_id", name="pk_meter_output"),
    )
    op.create_table(
        "lamp",
        sa.Column("id", sa.Integer, nullable=False),
        _ref("lamp", "municipality_id", "municipality"),
        sa.Column("slug", sa.String, nullable=False),
        _ref("lamp", "output_id", "output"),
        sa.Column("watts", sa.Float, nullable=False),
        sa.Column("lat", sa.Float, nullable=False),
        sa.Column("lon", sa.Float, nullable=False),
        sa.Column("pole", sa.String, nullable=False),
        sa.Column("safety", sa.Boolean, nullable=False),
        sa.Column("ring", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lamp"),
        sa.UniqueConstraint("municipality_id", "slug", name="uq_lamp_municipality_id_slug"),
    )


def _presses() -> None:
    """Presses, leases and kept answers."""
    op.create_table(
        "lease",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String, nullable=False),
        _ref("lease", "zone_id", "zone"),
        sa.Column("lights", sa.String, nullable=False),
        sa.Column("start_at", sa.BigInteger, nullable=False),
        sa.Column("until_at", sa.BigInteger, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("confirmed", sa.Integer, nullable=False),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("ordered_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_lease"),
        sa.UniqueConstraint("public_id", name="uq_lease_public_id"),
    )
    columns = ["zone_id", "state", "until_at", "level", "lights", "start_at"]
    op.create_index(f"ix_lease_{'_'.join(columns)}", "lease", columns)
    op.create_table(
        "press",
        sa.Column("id", KEY, nullable=False),
        sa.Column("public_id", sa.String, nullable=False),
        _ref("press", "zone_id", "zone"),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("channel", sa.String, nullable=False),
        sa.Column("refused", sa.String, nullable=True),
        sa.Column(
            "lease",
            sa.String,
            sa.ForeignKey("lease.public_id", name="fk_press_lease_lease", deferrable=True, initially="DEFERRED"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_press"),
        sa.UniqueConstraint("public_id", name="uq_press_public_id"),
    )
    op.create_table(
        "answer",
        sa.Column("scope", sa.String, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("scope", name="pk_answer"),
    )


def _orders() -> None:
    """Orders and plans that were sent."""
    op.create_table(
        "sent_order",
        _ref("sent_order", "controller_id", "controller"),
        sa.Column("desired_n", sa.BigInteger, nullable=False),
        sa.Column("orders", sa.JSON, nullable=True),
        sa.Column("at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("controller_id", name="pk_sent_order"),
    )
    op.create_table(
        "sent_plan",
        _ref("sent_plan", "controller_id", "controller"),
        sa.Column("plan_n", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("controller_id", name="pk_sent_plan"),
    )


def _reports() -> None:
    """What controllers say, and the energy booked by it."""
    op.create_table(
        "controller_state",
        _ref("controller_state", "controller_id", "controller"),
        sa.Column("online", sa.Boolean, nullable=True),
        sa.Column("session", sa.BigInteger, nullable=False),
        sa.Column("boot", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("plan_n", sa.BigInteger, nullable=False),
        sa.Column("desired_n", sa.BigInteger, nullable=False),
        sa.Column("heard_at", sa.BigInteger, nullable=True),
        sa.Column("reported_at", sa.BigInteger, nullable=True),
        sa.Column("fw", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("controller_id", name="pk_controller_state"),
    )
    op.create_table(
        "output_state",
        _ref("output_state", "output_id", "output"),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("confirmed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("output_id", name="pk_output_state"),
    )
    op.create_table(
        "meter_state",
        _ref("meter_state", "meter_id", "meter"),
        sa.Column("total_mwh", sa.BigInteger, nullable=False),
        sa.Column("watts", sa.Float, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("meter_id", name="pk_meter_state"),
    )
    op.create_table(
        "report_key",
        _ref("report_key", "controller_id", "controller"),
        sa.Column("boot", sa.BigInteger, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("controller_id", "boot", "seq", name="pk_report_key"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_report_key_at", "report_key", ["at"])
    op.create_table(
        "energy_entry",
        sa.Column("id", KEY, nullable=False),
        _ref("energy_entry", "output_id", "output"),
        _ref("energy_entry", "zone_id", "zone"),
        sa.Column("start_at", sa.BigInteger, nullable=False),
        sa.Column("end_at", sa.BigInteger, nullable=False),
        sa.Column("energy_mwh", sa.BigInteger, nullable=False),
        sa.Column("cause", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_energy_entry"),
    )
    op.create_index("ix_energy_entry_output_id_start_at", "energy_entry", ["output_id", "start_at"])
    op.create_table(
        "probe",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("n", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_probe"),
    )


def _ref(table: str, column: str, target: str) -> sa.Column[int]:
    """A column that refers to the key of another table."""
    key = sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{column}_{target}")
    return sa.Column(column, sa.Integer, key, nullable=False)


def downgrade() -> None:
    """Take them back, and everything in them."""
    for table in (
        "probe",
        "energy_entry",
        "report_key",
        "meter_state",
        "output_state",
        "controller_state",
        "sent_plan",
        "sent_order",
        "answer",
        "press",
        "lease",
        "lamp",
        "meter_output",
        "meter",
        "output",
        "controller",
        "policy",
        "zone_along",
        "zone",
        "price",
        "municipality",
    ):
        op.drop_table(table)
