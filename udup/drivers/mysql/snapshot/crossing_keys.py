"""Foreign keys of a copy to tables that the job has already, which stand elsewhere in the log until both are joined.

The copy leaves them out of the tables that it makes, and says what they are: they are made when the tables stand
together (`drivers/mysql/apply/later_keys.py`). Which they are is decided by the copy's own snapshot.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec

from udup.base.errors import Unsupported
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.dictionary.later_keys import LaterKey, keys_of, without
from udup.drivers.mysql.load.create_table import split_definition
from udup.pipeline.ports import Scope


def apart(source: Catalog, there: Catalog, scope: Scope) -> tuple[Catalog, tuple[LaterKey, ...]]:
    """Return what the target is to have at once, and the keys that come later, under the target's names."""
    if scope.apart is None or not scope.apart.is_new:
        return there, ()
    other = scope.apart.other.folding(scope.selection.folds)
    own = {(each.schema, each.name) for each in source.tables}
    tables, later = [], []
    for table, made in zip(source.tables, there.tables, strict=True):
        crossing = {
            key.name: key for key in _keys(table) if key.of not in own and other.wants(key.parent_schema, key.parent)
        }
        if acting := [str(key) for key in crossing.values() if key.acts]:
            raise Unsupported(
                f"the {acting[0]} changes rows of a table that comes by itself; on the source drop it, or let it only"
                " check (RESTRICT, NO ACTION) until both tables are live"
            )
        if not crossing:
            tables.append(made)
            continue
        items, options = split_definition(made)
        for key in keys_of(made, items):
            if (told := crossing.get(key.name)) is not None:
                schema, parent = scope.apart.whole.folding(scope.selection.folds).renamed_table(*told.of)
                later.append(msgspec.structs.replace(key, parent_schema=schema, parent=parent))
        tables.append(without(made, items, options, crossing))
    return replace(there, tables=tuple(tables)), tuple(later)


def _keys(table: Table) -> list[LaterKey]:
    return list(keys_of(table, split_definition(table)[0])) if "FOREIGN KEY" in table.create_sql else []
