"""A job's names on the target: what each source name becomes there, and that no two become one.

A new name can be impossible (too long, the server's own) and two source names can become the same one. For exact
names that is told when the job is posted; for regular expressions only the names that there are can tell. So it is
looked at three times: in the source's dictionary at the start of every run (`problems_of`), and then in the binary log
whenever a name comes up, by TABLE_MAP or by the statement that makes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from udup.base.errors import Unsupported
from udup.pipeline.selection.schemas import is_user_schema
from udup.pipeline.selection.selection import Selection

#: The longest name that MySQL has, in characters.
NAME_LENGTH = 64

#: A schema and one of its tables; "" for the schema itself.
Name = tuple[str, str]


class Renaming:
    """The names of one run. Names that the log brings up are entered, and leave when their table is dropped."""

    def __init__(self, selection: Selection, standing: Iterable[Name] = ()) -> None:
        """`standing` are the names that the source has now."""
        self.selection = selection
        self.active = selection.renames
        #: Target name to the source's, as the log brought them up, and as the source's dictionary has them.
        self._entered: dict[Name, Name] = {}
        self._standing: dict[Name, Name] = {}
        self._known: set[Name] = set()
        if self.active:
            for name in standing:
                self._standing[self._target(name)] = name
                self._known.add(name)

    def schema(self, schema: str) -> str:
        """The target's name of a schema. Raises `Unsupported` if it can be none."""
        target = self.selection.renamed_schema(schema)
        if target != schema:
            _check(schema, target)
        return target

    def table(self, schema: str, table: str) -> Name:
        """The target's schema and name of a table or view. Raises `Unsupported` if it can be none."""
        target = self.selection.renamed_table(schema, table)
        if target != (schema, table):
            self.schema(schema)
            _check(f"{schema}.{table}", target[1])
        return target

    def knows(self, schema: str, table: str = "") -> bool:
        """Whether the source is known to have such a schema or table."""
        return (schema, table) in self._known

    def enter(self, schema: str, table: str = "", *, made: bool = False) -> None:
        """A name that the log speaks of, or that it makes new. Raises `Unsupported` if another one has its place.

        Against the source's dictionary only new names are held: the log may tell of a table that was dropped before
        another one took its place.
        """
        if not self.active:
            return
        name = (schema, table)
        target = self._target(name)
        for holders in (self._entered, self._standing) if made else (self._entered,):
            holder = holders.get(target, name)
            if holder != name:
                raise Unsupported(_both(holder, name, target))
        self._entered[target] = name
        self._known.add(name)

    def leave(self, schema: str, table: str = "") -> None:
        """A name that is no more; a schema with all of its tables."""
        gone = {name for name in self._known if name == (schema, table) or (not table and name[0] == schema)}
        self._known -= gone
        for holders in (self._entered, self._standing):
            for target in [target for target, name in holders.items() if name in gone]:
                del holders[target]

    def _target(self, name: Name) -> Name:
        schema, table = name
        return self.table(schema, table) if table else (self.schema(schema), "")


def problems_of(selection: Selection, names: Iterable[Name]) -> Iterator[str]:
    """Everything that is wrong with the new names of what the source has: schemas as (schema, ""), and tables."""
    renaming = Renaming(selection)
    for schema, table in names:
        if selection.wants(schema, table) if table else selection.wants_schema(schema):
            try:
                renaming.enter(schema, table)
            except Unsupported as error:
                yield str(error)


def target_problem(name: str) -> str:
    """Why this cannot be a new name, empty if it can."""
    if not name:
        return "would have an empty name on the target"
    if len(name) > NAME_LENGTH:
        return f"would be called {name} on the target, longer than MySQL's {NAME_LENGTH} characters"
    if name.endswith(" ") or "\0" in name:
        return f"would be called {name!r} on the target, which MySQL does not allow"
    return ""


def _check(source: str, target: str) -> None:
    problem = target_problem(target)
    if not problem and "." not in source and not is_user_schema(target):
        problem = f"would be called {target} on the target, which is not for replicated tables"
    if problem:
        raise Unsupported(f"{source} {problem}; change its new name in ReplicateDoDb")


def _both(one: Name, other: Name, target: Name) -> str:
    first, second, made = (".".join(part for part in name if part) for name in (one, other, target))
    return (
        f"{first} and {second} would both be {made} on the target; change a new name in ReplicateDoDb, or leave one "
        "of them out"
    )
