"""Tables whose rows are written once: a trigger refuses UPDATE, DELETE and TRUNCATE."""

from django.db.migrations.operations.special import RunSQL

CREATE_FUNCTION = """
CREATE OR REPLACE FUNCTION core_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % refused: its rows are written once', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$
"""
DROP_FUNCTION = "DROP FUNCTION core_refuse_change()"


def create_function() -> RunSQL:
    """The trigger function that `append_only` tables share; in core's first migration."""
    return RunSQL(CREATE_FUNCTION, DROP_FUNCTION)


def append_only(table: str) -> RunSQL:
    """Migration operation: from here on `table` only takes new rows."""
    return RunSQL(
        f"""
        CREATE TRIGGER {table}_written_once BEFORE UPDATE OR DELETE ON {table}
            FOR EACH ROW EXECUTE FUNCTION core_refuse_change();
        CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION core_refuse_change();
        """,
        f"DROP TRIGGER {table}_written_once ON {table}; DROP TRIGGER {table}_never_emptied ON {table};",
    )
