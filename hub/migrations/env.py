"""Alembic's own entry: run on the connection that `migrate` opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table_schema="hub")
context.run_migrations()
