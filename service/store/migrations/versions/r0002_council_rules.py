"""The council's rules: versions, drafts and exceptions as documents. What ruled so far goes on to rule."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OLD_LEASES = ["zone_id", "state", "until_at", "level", "lights", "start_at"]

OLD_POLICY = sa.table(
    "policy",
    sa.column("id", sa.Integer),
    sa.column("zone_id", sa.Integer),
    sa.column("valid_from", sa.BigInteger),
    sa.column("schedule", sa.JSON),
    sa.column("minutes", sa.Integer),
    sa.column("level", sa.Integer),
    sa.column("longest_minutes", sa.Integer),
    sa.column("rest_minutes", sa.Integer),
    sa.column("fail_state", sa.String),
    sa.column("cut_off_after_min", sa.Integer),
    sa.column("resolution", sa.String),
    sa.column("recorded_at", sa.BigInteger),
)
OLD_ALONG = sa.table(
    "zone_along",
    sa.column("zone_id", sa.Integer),
    sa.column("along_id", sa.Integer),
    sa.column("position", sa.Integer),
)
ZONE = sa.table(
    "zone", sa.column("id", sa.Integer), sa.column("municipality_id", sa.Integer), sa.column("slug", sa.String)
)
MUNICIPALITY = sa.table(
    "municipality", sa.column("id", sa.Integer), sa.column("tz", sa.String), sa.column("safety_schedule", sa.String)
)
NEW_POLICY = sa.table(
    "policy_version",
    sa.column("zone_id", sa.Integer),
    sa.column("version", sa.Integer),
    sa.column("document", sa.String),
    sa.column("valid_from", sa.Date),
    sa.column("resolution_number", sa.String),
    sa.column("resolution_passed_on", sa.Date),
    sa.column("resolution_safety_note", sa.String),
    sa.column("enacted_by", sa.String),
    sa.column("enacted_at", sa.BigInteger),
    sa.column("signed_off", sa.JSON),
    sa.column("draft", sa.String),
)


def upgrade() -> None:
    """Make the tables, and carry over what ruled."""
    _policy_tables()
    _other_tables()
    _carry_over()
    op.drop_index("ix_policy_zone_id_valid_from", "policy")
    op.drop_table("policy")
    op.drop_table("zone_along")
    _municipality()
    _presses()


def _policy_tables() -> None:
    op.create_table(
        "policy_version",
        _ref("policy_version", "zone_id", "zone"),
        sa.Column("version", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("document", sa.String, nullable=False),
        sa.Column("valid_from", sa.Date, nullable=False),
        *_resolution(),
        sa.Column("enacted_by", sa.String, nullable=True),
        sa.Column("enacted_at", sa.BigInteger, nullable=False),
        sa.Column("signed_off", sa.JSON, nullable=False),
        sa.Column("draft", sa.String, nullable=True),
        sa.PrimaryKeyConstraint("zone_id", "version", name="pk_policy_version"),
    )
    op.create_table(
        "policy_draft",
        _ref("policy_draft", "zone_id", "zone"),
        sa.Column("slug", sa.String, nullable=False),
        sa.Column("document", sa.String, nullable=False),
        *_resolution(),
        sa.Column("changed_by", sa.String, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("zone_id", "slug", name="pk_policy_draft"),
    )


def _resolution() -> list[sa.Column[Any]]:
    return [
        sa.Column("resolution_number", sa.String, nullable=True),
        sa.Column("resolution_passed_on", sa.Date, nullable=True),
        sa.Column("resolution_safety_note", sa.String, nullable=True),
    ]


def _other_tables() -> None:
    op.create_table(
        "light_exception",
        _ref("light_exception", "zone_id", "zone"),
        sa.Column("slug", sa.String, nullable=False),
        sa.Column("document", sa.String, nullable=False),
        sa.Column("last_night", sa.Date, nullable=False),
        sa.Column("entered_by", sa.String, nullable=True),
        sa.Column("entered_at", sa.BigInteger, nullable=True),
        sa.Column("withdrawn_by", sa.String, nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger, nullable=True),
        sa.PrimaryKeyConstraint("zone_id", "slug", name="pk_light_exception"),
    )
    op.create_table(
        "emission_factor",
        _ref("emission_factor", "municipality_id", "municipality"),
        sa.Column("valid_from", sa.Date, nullable=False),
        sa.Column("g_per_kwh", sa.Integer, nullable=False),
        sa.Column("source", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("municipality_id", "valid_from", name="pk_emission_factor"),
    )


def _carry_over() -> None:
    """Every old policy becomes a version; those of a zone are counted by their first night, then as recorded."""
    run = op.get_bind().execute
    tz_of = dict(
        tuple(row)
        for row in run(sa.select(ZONE.c.id, MUNICIPALITY.c.tz).where(MUNICIPALITY.c.id == ZONE.c.municipality_id))
    )
    along: dict[int, list[str]] = {}
    lit = sa.select(OLD_ALONG.c.zone_id, ZONE.c.slug).where(ZONE.c.id == OLD_ALONG.c.along_id)
    for zone_id, slug in run(lit.order_by(OLD_ALONG.c.zone_id, OLD_ALONG.c.position)):
        along.setdefault(zone_id, []).append(slug)
    old = [(_night(row.valid_from, tz_of[row.zone_id]), row) for row in run(sa.select(OLD_POLICY))]
    versions: dict[int, int] = {}
    new = []
    for first, row in sorted(old, key=lambda one: (one[1].zone_id, one[0], one[1].id)):
        versions[row.zone_id] = versions.get(row.zone_id, 0) + 1
        new.append(
            {
                "zone_id": row.zone_id,
                "version": versions[row.zone_id],
                "document": _policy(row, first, along.get(row.zone_id, [])),
                "valid_from": first,
                "resolution_number": row.resolution,
                "resolution_passed_on": None,  # nobody was asked for it
                "resolution_safety_note": None if row.resolution is None else "",
                "enacted_by": None,
                "enacted_at": row.recorded_at,
                "signed_off": [],
                "draft": None,
            }
        )
    if new:
        run(sa.insert(NEW_POLICY), new)


def _night(microseconds: int, tz: str) -> date:
    """The date of the evening of the night, noon to noon, in which a moment lies."""
    local = (EPOCH + timedelta(microseconds=microseconds)).astimezone(ZoneInfo(tz))
    return local.date() if local.hour >= 12 else local.date() - timedelta(days=1)


def _policy(row: Any, first: date, along: list[str]) -> str:
    return _text(
        {
            "valid_from": first.isoformat(),
            "until": None,
            "schedule": _schedule(row.schedule),
            "press": {
                "minutes": row.minutes,
                "level": row.level,
                "longest_minutes": row.longest_minutes,
                "rest_minutes": row.rest_minutes,
                "windows": [],
                "admission": "anyone",
                "limits": {"per_presser": None, "zone_minutes": None, "zone_wh": None, "reserve_percent": 33},
                "first_limits": None,
                "first_nights": 0,
                "warn_before_dark": False,
            },
            "quiet": [],
            "along": along,
            "fail_state": row.fail_state,
            "cut_off_after_min": row.cut_off_after_min,
        }
    )


def _schedule(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """The document of an old schedule, whose clocks may have had seconds: they are left out."""
    return {
        "steps": [{"at": _moment(step), "level": step["level"], "fade_s": 0} for step in steps],
        "rules": [],
    }


def _moment(step: dict[str, Any]) -> str:
    begin: str = step["anchor"] if step["clock"] is None else step["clock"][:5]
    return begin + (f"{step['offset_min']:+d}" if step["offset_min"] else "")


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _municipality() -> None:
    """A region, and the safety schedule as a document."""
    with op.batch_alter_table("municipality") as batch:
        batch.add_column(sa.Column("region", sa.String, nullable=False, server_default=""))
        batch.alter_column(
            "safety_schedule",
            existing_type=sa.JSON,
            type_=sa.String,
            existing_nullable=False,
            postgresql_using="safety_schedule::text",
        )
    run = op.get_bind().execute
    for key, steps in run(sa.select(MUNICIPALITY.c.id, MUNICIPALITY.c.safety_schedule)).all():
        values = {"safety_schedule": _text(_schedule(json.loads(steps)))}
        run(sa.update(MUNICIPALITY).where(MUNICIPALITY.c.id == key).values(values))
    with op.batch_alter_table("municipality") as batch:
        batch.alter_column("region", existing_type=sa.String, existing_nullable=False, server_default=None)


def _presses() -> None:
    """Leases that warn; indexes to find presses by time and by lease."""
    op.drop_index(f"ix_lease_{'_'.join(OLD_LEASES)}", "lease")
    with op.batch_alter_table("lease") as batch:
        batch.add_column(sa.Column("warn", sa.Boolean, nullable=False, server_default=sa.false()))
    with op.batch_alter_table("lease") as batch:
        batch.alter_column("warn", existing_type=sa.Boolean, existing_nullable=False, server_default=None)
    columns = [*OLD_LEASES, "warn"]
    op.create_index(f"ix_lease_{'_'.join(columns)}", "lease", columns)
    op.create_index("ix_press_at", "press", ["at"])
    op.create_index("ix_press_lease", "press", ["lease"])


def _ref(table: str, column: str, target: str) -> sa.Column[int]:
    """A column that refers to the key of another table."""
    key = sa.ForeignKey(f"{target}.id", name=f"fk_{table}_{column}_{target}")
    return sa.Column(column, sa.Integer, key, nullable=False)


def downgrade() -> None:
    """Refuse: the tables before had no room for these rules."""
    raise RuntimeError("there is no way back from 0002: restore the backup from before")
