"""Alembic runs inside the transaction that `migrate` has opened: a migration holds whole or not at all."""

from alembic import context

from service.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
