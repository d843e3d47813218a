"""Run by Alembic, with the connection that `migrate` gives or, for drafting, the one `-x url=` names."""

from alembic import context
from sqlalchemy import Connection

from service.store.engines import migrator, parse_url
from service.store.tables import Base


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transactional_ddl=True,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    engine = migrator(parse_url(context.get_x_argument(as_dictionary=True)["url"]))
    with engine.begin() as drafting:
        _run(drafting)
    engine.dispose()
