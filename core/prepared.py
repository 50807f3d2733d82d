"""
Statements that nearly every request sends: parsed and planned once per connection, not once per request.

PostgreSQL takes several times as long to plan a look-up by a key as to do it, and Django to compose it. What is
sent a few times a minute is better written with the ORM.

Prepared statements belong to a session of PostgreSQL: a pooler between us and it must keep sessions together.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.utils import CursorWrapper
from django.db.models import Field, Model
from django.db.models.expressions import DatabaseDefault

Row = TypeVar("Row", bound=Model)

_PLAIN = frozenset({str, int, bool, type(None), datetime})
_PARAMETER = re.compile(r"%\((\w+)\)s")

_statements: dict[str, "Prepared"] = {}
_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()  # What each of the driver's connections has prepared.


class Prepared:
    """
    One statement, with parameters as `%(name)s`; where nothing says what type one is, it is cast (`::text`).

    Its name is what logs and `pg_stat_activity` show: `EXECUTE name (…)`. It is planned once for all parameters
    (settings.connections): for statements that find rows by their keys, not for lists with filters.
    """

    def __init__(self, name: str, sql: str) -> None:
        if name in _statements:
            raise ValueError(f"There are two statements named {name}")
        _statements[name] = self
        self.name, self.sql = name, sql
        self.parameters = tuple(dict.fromkeys(_PARAMETER.findall(sql)))
        places = {parameter: f"${place}" for place, parameter in enumerate(self.parameters, start=1)}
        self._prepare = f"PREPARE {name} AS {_PARAMETER.sub(lambda found: places[found[1]], sql)}"
        values = ", ".join(["%s"] * len(places))
        self._execute = f"EXECUTE {name} ({values})" if places else f"EXECUTE {name}"

    def rows(self, **parameters: Any) -> list[tuple[Any, ...]]:
        """Return what it finds."""
        with self._sent(parameters) as cursor:
            return cursor.fetchall()

    def row(self, **parameters: Any) -> tuple[Any, ...] | None:
        """Return the first row it finds."""
        with self._sent(parameters) as cursor:
            return cursor.fetchone()

    def run(self, **parameters: Any) -> int:
        """Return how many rows it wrote."""
        with self._sent(parameters) as cursor:
            return cursor.rowcount

    def _sent(self, parameters: dict[str, Any]) -> CursorWrapper:
        """Return the cursor that has its answer; whoever asked closes it."""
        connection = connections[DEFAULT_DB_ALIAS]
        cursor = connection.cursor()
        known = _known.setdefault(connection.connection, set())
        if self.name not in known:
            # Not with Django's cursor: it is not one of the request's statements, and those are counted.
            with connection.wrap_database_errors, connection.connection.cursor() as driver:
                driver.execute(self._prepare)
            known.add(self.name)
        cursor.execute(self._execute, [parameters[name] for name in self.parameters])
        return cursor


class Columns(Generic[Row]):
    """
    The columns of one model in a statement's text, and the instances made of them.

        _ITEM, _SELLER = Columns(Item, "i"), Columns(Account, "a", "id", "public_id")
        _FIND = Prepared("find_item", f"SELECT {_ITEM}, {_SELLER} FROM catalog_item i JOIN …")

        values = iter(_FIND.row(…))
        item, seller = _ITEM.take(values), _SELLER.take(values)

    Fields that are not named are read when somebody asks for them, as those that a queryset defers.
    """

    def __init__(self, model: type[Row], table: str, *names: str) -> None:
        fields: Sequence[Field] = model._meta.concrete_fields
        self.fields = [field for field in fields if not names or field.name in names or field.attname in names]
        self.model, self._table = model, table
        self._names = [field.attname for field in self.fields]
        self._converters = [
            (place, field.from_db_value) for place, field in enumerate(self.fields) if hasattr(field, "from_db_value")
        ]

    def __str__(self) -> str:
        return ", ".join(f'{self._table}."{field.column}"' for field in self.fields)

    def take(self, values: Iterator[Any]) -> Row:
        """Make an instance of the next values of a row."""
        own = [next(values) for _field in self.fields]
        for place, convert in self._converters:
            own[place] = convert(own[place], None, connections[DEFAULT_DB_ALIAS])
        return self.model.from_db(DEFAULT_DB_ALIAS, self._names, own)


class _Insert:
    """The INSERT of a model's rows, but for columns that the database fills."""

    def __init__(self, model: type[Model], filled_by_database: frozenset[str]) -> None:
        meta = model._meta
        given = [field for field in meta.concrete_fields if not field.primary_key]
        self.given: list[Field] = [field for field in given if field.attname not in filled_by_database]
        self.returned: list[Field] = [meta.pk, *(field for field in given if field.attname in filled_by_database)]
        columns = ", ".join(f'"{field.column}"' for field in self.given)
        values = ", ".join(f"%({field.attname})s" for field in self.given)
        returned = ", ".join(f'"{field.column}"' for field in self.returned)
        name = "_".join(("insert", meta.db_table, *sorted(filled_by_database)))
        self.statement = Prepared(
            name,
            f'INSERT INTO "{meta.db_table}" ({columns}) VALUES ({values}) RETURNING {returned}',  # noqa: S608
        )


_inserts: dict[tuple[type[Model], frozenset[str]], _Insert] = {}
_inserts_lock = Lock()


def insert(row: Model) -> None:
    """
    INSERT a new row, as `save(force_insert=True)` does, by a prepared statement. No signals are sent.

    What it refers to has its key by now: it is not asked for it again.
    """
    values = vars(row)
    filled = frozenset(name for name, value in values.items() if isinstance(value, DatabaseDefault))
    one = _inserts.get((type(row), filled)) or _compose(type(row), filled)
    found = one.statement.row(**{field.attname: _adapted(field, values[field.attname]) for field in one.given})
    assert found is not None
    for field, value in zip(one.returned, found, strict=True):
        setattr(row, field.attname, value)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def _adapted(field: Field, value: Any) -> Any:
    """What the driver writes as it is needs no field to say how."""
    return value if type(value) in _PLAIN else field.get_db_prep_save(value, connections[DEFAULT_DB_ALIAS])


def insert_all(rows: Sequence[Model]) -> None:
    """INSERT new rows of one model with one statement; what is most often one row is prepared as one."""
    if len(rows) == 1:
        insert(rows[0])
    elif rows:
        type(rows[0])._default_manager.bulk_create(rows)


def _compose(model: type[Model], filled: frozenset[str]) -> _Insert:
    with _inserts_lock:  # Once: a statement's name is taken only once.
        return _inserts.get((model, filled)) or _inserts.setdefault((model, filled), _Insert(model, filled))
