"""Messages to staff."""

from datetime import datetime
from itertools import groupby

from sqlalchemy import bindparam, delete, exists, func, insert, select

from service.domain.alerts import Alert, Delivery
from service.domain.words import AlertChannel, AlertKind
from service.store import tables
from service.store.columns import UtcTime
from service.store.tables import table
from service.store.tx_base import AnyRow, BaseTx, municipality

alert_table = table(tables.AlertRow)
delivery = table(tables.AlertDeliveryRow)

_before = bindparam("before", type_=UtcTime)
_is_due = delivery.alias("is_due")
_DUE = (
    select(
        alert_table,
        municipality.c.slug.label("municipality"),
        delivery.c.channel,
        delivery.c.due_at,
        delivery.c.attempts,
        delivery.c.sent_at,
    )
    .select_from(alert_table)
    .join(municipality)
    .join(delivery, delivery.c.alert == alert_table.c.public_id)
    .where(
        alert_table.c.public_id.in_(select(_is_due.c.alert).where(_is_due.c.due_at <= bindparam("now", type_=UtcTime)))
    )
    .order_by(delivery.c.channel)
)
_NEXT = select(func.min(delivery.c.due_at, type_=UtcTime).label("due_at"))
_over = ~exists().where(_is_due.c.alert == alert_table.c.public_id, _is_due.c.due_at.is_not(None))
_FORGET_DELIVERIES = delete(delivery).where(
    delivery.c.alert.in_(select(alert_table.c.public_id).where(alert_table.c.at < _before, _over))
)
_FORGET = delete(alert_table).where(alert_table.c.at < _before, _over)
_CLEAR = delete(delivery).where(delivery.c.alert == bindparam("of"))
_ADD = insert(delivery)


class AlertsTx(BaseTx):
    """What staff is to be told, and what was."""

    def alerts_due(self, now: datetime) -> list[Alert]:
        """The alerts of all municipalities with a delivery that is due at `now`, by time and id."""
        rows = sorted(self._rows(_DUE, now=now), key=lambda row: (row.at, str(row.public_id)))
        return [_alert(list(group)) for _, group in groupby(rows, key=lambda row: row.public_id)]

    def next_alert(self) -> datetime | None:
        """When the next delivery of any alert is due."""
        [(due,)] = self._rows(_NEXT)
        earliest: datetime | None = due
        return earliest

    def save_alert(self, alert: Alert) -> None:
        """Insert an alert, or replace the one with its id."""
        self._upsert(
            alert_table,
            {
                "public_id": alert.id,
                "municipality_id": self._municipality(alert.municipality),
                "kind": alert.kind.value,
                "at": alert.at,
                "about": alert.about,
                "urgent": alert.urgent,
                "contact": alert.contact,
            },
        )
        self._quick(_CLEAR, {"of": alert.id})
        self._quick_each(
            _ADD,
            (
                {
                    "alert": alert.id,
                    "channel": channel.value,
                    "due_at": one.due,
                    "attempts": one.attempts,
                    "sent_at": one.sent_at,
                }
                for channel, one in alert.deliveries.items()
            ),
        )

    def forget_alerts(self, before: datetime) -> int:
        """Delete alerts from before a moment of which no delivery is due any more; returns how many."""
        self._quick(_FORGET_DELIVERIES, {"before": before})
        return self._quick(_FORGET, {"before": before}).changed


def _alert(rows: list[AnyRow]) -> Alert:
    row = rows[0]
    return Alert(
        row.public_id,
        row.municipality,
        AlertKind(row.kind),
        row.at,
        row.about,
        row.urgent,
        row.contact,
        {AlertChannel(one.channel): Delivery(one.due_at, one.attempts, one.sent_at) for one in rows},
    )
