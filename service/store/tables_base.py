"""What all tables share.

Surrogate integer keys inside, ids as the outside knows them (`slug`, `public_id`, `n`) unique.
Moments are `UtcTime`, energy is integer mWh, money is `Money`. The database fills in nothing by itself.
"""

from sqlalchemy import MetaData, Table
from sqlmodel import SQLModel

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(SQLModel):
    """What all tables share: names of constraints that are the same on every database."""

    metadata = MetaData(naming_convention=_NAMES)


def table(model: type[Base]) -> Table:
    """The Core table of a model: statements are built on this."""
    return Base.metadata.tables[str(model.__tablename__)]
