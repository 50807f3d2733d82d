"""
Statements that nearly every request sends: parsed and planned once per connection, not once per request.

PostgreSQL takes several times as long to plan a look-up by a key as to do it, and Django to compose it. What is
sent a few times a minute is better written with the ORM.

Prepared statements belong to a session of PostgreSQL: a pooler between us and it must keep sessions together.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2s
from threading import Lock
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model
from django.db.models.base import ModelState
from django.db.models.expressions import DatabaseDefault

Row = TypeVar("Row", bound=Model)

_Kinds = tuple[tuple[type[Model], frozenset[str]], ...]  # Models, each with the attributes that the database fills.
_Places = Mapping[Any, int]  # Models of the rows before one, and where they stand.

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

    def _sent(self, parameters: dict[str, Any]) -> Any:
        """Return the cursor that has its answer; whoever asked closes it."""
        connection = connections[DEFAULT_DB_ALIAS]
        values = [parameters[name] for name in self.parameters]
        cursor = _cursor_of(connection)
        known = _known.setdefault(connection.connection, set())
        with connection.wrap_database_errors:
            if self.name not in known:
                # Not with that cursor: it is not one of the request's statements, and those are counted.
                with connection.connection.cursor() as driver:
                    driver.execute(self._prepare)
                known.add(self.name)
            cursor.execute(self._execute, values)
        return cursor


def _cursor_of(connection: BaseDatabaseWrapper) -> Any:
    """
    Return a cursor that does what Django's does: in a few µs, and not a tenth of a millisecond for every statement.

    Where somebody looks at the statements, it is Django's.
    """
    if connection.queries_logged or connection.execute_wrappers:
        return connection.cursor()
    if connection.connection is None or not connection.in_atomic_block:  # Else it was looked at as that began.
        connection.close_if_health_check_failed()
        connection.ensure_connection()
    connection.validate_no_broken_transaction()
    return connection.create_cursor()


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
            (field.attname, field.from_db_value) for field in self.fields if hasattr(field, "from_db_value")
        ]

    def __str__(self) -> str:
        return ", ".join(f'{self._table}."{field.column}"' for field in self.fields)

    def take(self, values: Iterator[Any]) -> Row:
        """
        Make an instance of the next values of a row, as `from_db` does, in a tenth of its time. No signals are sent.
        """
        own = dict(zip(self._names, values, strict=False))  # Further values are other models'.
        for name, convert in self._converters:
            own[name] = convert(own[name], None, connections[DEFAULT_DB_ALIAS])
        row = self.model.__new__(self.model)
        row._state = state = ModelState()
        state.db, state.adding = DEFAULT_DB_ALIAS, False
        vars(row).update(own)
        return row


class _Part:
    """One row of an INSERT: which columns are given, filled by the database, or the key of a row before it."""

    def __init__(self, place: int, model: type[Model], filled_by_database: frozenset[str], places: _Places) -> None:
        meta = model._meta
        own = [field for field in meta.concrete_fields if not field.primary_key]
        self.referring = [field for field in own if field.related_model in places]
        self.given: list[Field] = [
            field for field in own if field.attname not in filled_by_database and field not in self.referring
        ]
        self.returned: list[Field] = [meta.pk, *(field for field in own if field.attname in filled_by_database)]
        self._table, self._place = meta.db_table, place
        self._sources = [f"r{places[field.related_model]}" for field in self.referring]

    @property
    def sql(self) -> str:
        columns = ", ".join(f'"{field.column}"' for field in [*self.given, *self.referring])
        given = ", ".join(f"%({self.parameter(field)})s" for field in self.given)
        rows = f"VALUES ({given})"
        if self._sources:
            keys = ", ".join(f"{source}.key" for source in self._sources)
            tables = ", ".join(dict.fromkeys(self._sources))
            rows = f"SELECT {given}, {keys} FROM {tables}"  # noqa: S608 - names only, as below
        return f'INSERT INTO "{self._table}" ({columns}) {rows} RETURNING {self._returned()}'

    def parameter(self, field: Field) -> str:
        return f"r{self._place}_{field.attname}"

    def _returned(self) -> str:
        key, *filled = [f'"{field.column}"' for field in self.returned]
        return ", ".join([f"{key} AS key", *filled])


class _Insert:
    """The INSERT of one row, or of several of which the later ones refer to the earlier ones."""

    def __init__(self, kinds: _Kinds) -> None:
        places: dict[type[Model], int] = {}
        self.parts: list[_Part] = []
        for place, (model, filled) in enumerate(kinds):
            self.parts.append(_Part(place, model, filled, places))
            places[model] = place
        (first, _filled), *others = kinds
        names = [first._meta.db_table, *(str(model._meta.model_name) for model, _filled in others)]
        all_filled = [name for _model, filled in kinds for name in sorted(filled)]
        self.statement = Prepared("_".join(["insert", *names, *all_filled]), self._sql())

    def _sql(self) -> str:
        if len(self.parts) == 1:
            return self.parts[0].sql
        written = ", ".join(f"r{place} AS ({part.sql})" for place, part in enumerate(self.parts))
        names = [f"r{place}" for place in range(len(self.parts))]
        returned = ", ".join(f"{name}.*" for name in names)
        return f"WITH {written} SELECT {returned} FROM {', '.join(names)}"  # noqa: S608


_inserts: dict[_Kinds, _Insert] = {}
_composing = Lock()


def insert(*rows: Model) -> None:
    """
    INSERT a new row, as `save(force_insert=True)` does, by a prepared statement. No signals are sent.

    Several rows, each of a model of its own, are one statement: what refers to the model of an earlier one refers to
    that row. What else they refer to has its key by now: it is not asked for it again.
    """
    kinds = tuple((type(row), _filled_by_database(row)) for row in rows)
    one = _inserts.get(kinds) or _compose(kinds)
    parts = list(zip(one.parts, rows, strict=True))
    found = one.statement.row(
        **{
            part.parameter(field): _adapted(field, vars(row)[field.attname])
            for part, row in parts
            for field in part.given
        }
    )
    assert found is not None
    values = iter(found)
    written: dict[Any, Model] = {type(row): row for row in rows}
    for part, row in parts:
        for field in part.returned:
            setattr(row, field.attname, next(values))
        for field in part.referring:
            setattr(row, field.name, written[field.related_model])
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def _filled_by_database(row: Model) -> frozenset[str]:
    return frozenset(name for name, value in vars(row).items() if isinstance(value, DatabaseDefault))


def _adapted(field: Field, value: Any) -> Any:
    """What the driver writes as it is needs no field to say how."""
    return value if type(value) in _PLAIN else field.get_db_prep_save(value, connections[DEFAULT_DB_ALIAS])


def insert_all(rows: Sequence[Model]) -> None:
    """INSERT new rows of one model with one statement; what is most often one row is prepared as one."""
    if len(rows) == 1:
        insert(rows[0])
    elif rows:
        type(rows[0])._default_manager.bulk_create(rows)


def _compose(kinds: _Kinds) -> _Insert:
    with _composing:  # Once: a statement's name is taken only once.
        return _inserts.get(kinds) or _inserts.setdefault(kinds, _Insert(kinds))


def update(row: Model, *names: str) -> None:
    """UPDATE fields of a row, as `save(update_fields=names)` does, by a prepared statement. No signals are sent."""
    kind = (type(row), names)
    one = _updates.get(kind) or _compose_update(type(row), names)
    values = {field.attname: _adapted(field, vars(row)[field.attname]) for field in one.fields}
    if one.statement.run(**values, key=row.pk) != 1:
        raise DatabaseError(f"There is no {type(row).__name__} {row.pk} to update")


class _Update:
    """The UPDATE of some of a model's columns, of one row by its key."""

    def __init__(self, model: type[Model], names: Sequence[str]) -> None:
        meta = model._meta
        of_name = {field.name: field for field in meta.concrete_fields}
        self.fields = [of_name[name] for name in dict.fromkeys(names)]
        columns = ", ".join(f'"{field.column}" = %({field.attname})s' for field in self.fields)
        digest = blake2s("".join(names).encode(), digest_size=4).hexdigest()  # All names would be too long for one.
        self.statement = Prepared(
            f"update_{meta.db_table}_{digest}",
            f'UPDATE "{meta.db_table}" SET {columns} WHERE "{meta.pk.column}" = %(key)s',  # noqa: S608
        )


_updates: dict[tuple[type[Model], tuple[str, ...]], _Update] = {}


def _compose_update(model: type[Model], names: tuple[str, ...]) -> _Update:
    with _composing:
        return _updates.get((model, names)) or _updates.setdefault((model, names), _Update(model, names))
