"""A case: one SQL file about one topic. README.md describes the form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from udup.base.errors import UdupError

PHASES = ("copy", "incremental")

_DIRECTIVE = re.compile(r"--\s*(?P<key>[a-z]+):\s*(?P<value>.*?)\s*$")
_DELIMITER = re.compile(r"delimiter\s+(?P<mark>\S+)\s*$", re.IGNORECASE)
_NEW_SCHEMA = re.compile(
    r"\bCREATE\s+(?:DATABASE|SCHEMA)\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:`(?P<quoted>(?:[^`]|``)+)`|(?P<bare>[\w$]+))",
    re.IGNORECASE,
)

#: Directives of a file's head, and those that stand between its statements.
_HEAD_KEYS = frozenset({"topic", "phase", "expect", "session", "schemas", "counters", "where", "unfit", "refused"})
_BODY_KEYS = frozenset({"then", "connection", "error"})


_PROVISO = re.compile(r"(?:from (?P<source>[\w., -]+?))?\s*(?:to (?P<target>[\w., -]+?))?:\s+(?P<text>\S.*)")


@dataclass(frozen=True)
class Proviso:
    """What a case says of some pairs of servers. Kinds are named by their beginnings; none: any."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    text: str

    def holds(self, source: str, target: str) -> bool:
        return _is_one_of(source, self.sources) and _is_one_of(target, self.targets)


def _is_one_of(kind: str, names: tuple[str, ...]) -> bool:
    return not names or any(re.match(rf"{re.escape(name)}(?![^-.])", kind) for name in names)


@dataclass(frozen=True)
class Step:
    """A text that is sent to the source as it stands: one statement, or several on a line. `late` steps come after
    the job runs; `error` is the number with which the server has to refuse it, 0 for none.
    """

    sql: str
    connection: str
    late: bool
    error: int
    line: int


@dataclass(frozen=True)
class Case:
    """`schemas` are those that the case makes besides the one that it is given. `refusal` is empty if the job has to
    carry everything, else what its reason has to say. `filters` are the tables that its job carries, each with the
    condition of its rows; none: all of the schema. `unfit` are the pairs of servers that it is not for, with the
    reason; `refused` those between which its job must stop, with what its reason has to say.
    """

    path: Path
    name: str
    topic: str
    phases: tuple[str, ...]
    steps: tuple[Step, ...]
    session: str = ""
    refusal: str = ""
    schemas: tuple[str, ...] = ()
    same_counters: bool = True
    filters: tuple[tuple[str, str], ...] = ()
    unfit: tuple[Proviso, ...] = ()
    refused: tuple[Proviso, ...] = ()

    @property
    def stem(self) -> str:
        """A part of a schema's name."""
        return re.sub(r"\W", "_", self.name.lower())[-44:].strip("_")

    def __str__(self) -> str:
        return self.name

    def why_unfit(self, source: str, target: str) -> str:
        """Return why a case is not for two kinds of servers, "" if it is."""
        return next((each.text for each in self.unfit if each.holds(source, target)), "")

    def between(self, source: str, target: str) -> Case | None:
        """Return the case as it has to end between two kinds of servers, None if it says that it is not for them.

        A kind is a family and a version: `mariadb-10.11`, `mysql-9`.
        """
        if self.why_unfit(source, target):
            return None
        refusals = [each.text for each in self.refused if each.holds(source, target)]
        return replace(self, refusal=refusals[0]) if refusals else self


@dataclass
class _Reader:
    path: Path
    head: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    filters: list[tuple[str, str]] = field(default_factory=list)
    provisos: dict[str, list[Proviso]] = field(default_factory=lambda: {"unfit": [], "refused": []})
    split: bool = False

    def read(self) -> None:
        """A statement ends where a line ends with the delimiter, so a string may hold the delimiter within a line."""
        delimiter, connection, error = ";", "main", 0
        lines: list[str] = []
        first = 0
        for number, line in enumerate(self.path.read_text("utf-8").split("\n"), start=1):
            found = _DIRECTIVE.match(line) if not lines else None
            key = found["key"] if found else ""
            if found and key in _HEAD_KEYS:
                self._note(key, found["value"], number)
            elif found and key in _BODY_KEYS:
                self.split |= key == "then"
                connection = found["value"] if key == "connection" else connection
                error = int(found["value"]) if key == "error" else error
            elif not lines and (changed := _DELIMITER.match(line)):
                delimiter = changed["mark"]
            elif lines or line.strip():
                first = first if lines else number
                lines.append(line)
                text = "\n".join(lines).rstrip()
                if text.endswith(delimiter):
                    sql = text[: -len(delimiter)]
                    self.steps.append(Step(sql, connection, self.split, error, first))
                    lines, error = [], 0
        rest = "\n".join(lines)
        if any(each.strip() and not each.lstrip().startswith(("--", "#")) for each in lines):
            raise UdupError(f"{self.path}, line {first}: the last statement has no {delimiter!r} at its end: {rest!r}")

    def _note(self, key: str, value: str, number: int) -> None:
        if self.steps:
            raise UdupError(f"{self.path}, line {number}: '-- {key}:' belongs above the first statement")
        if key == "where":
            table, _, condition = value.partition(" ")
            self.filters.append((table, condition))
            return
        if key in self.provisos:
            self.provisos[key].append(self._proviso(key, value, number))
            return
        self.head[key] = f"{self.head[key]} {value}" if key in self.head else value

    def _proviso(self, key: str, value: str, number: int) -> Proviso:
        found = _PROVISO.fullmatch(value)
        if found is None or not (found["source"] or found["target"]):
            raise UdupError(
                f"{self.path}, line {number}: '-- {key}:' is followed by 'from KIND, …', 'to KIND, …' or both, a colon"
                f" and the reason"
            )
        sources, targets = (
            tuple(name.strip() for name in (names or "").split(",") if name.strip())
            for names in (found["source"], found["target"])
        )
        return Proviso(sources, targets, found["text"])


def read_case(path: Path, folder: Path) -> Case:
    """The case in `path`, named by its place below `folder`; `UdupError` if the file is not in the form."""
    reader = _Reader(path)
    reader.read()
    head = reader.head
    phase = head.get("phase", "both")
    if phase not in ("both", *PHASES):
        raise UdupError(f"{path}: '-- phase: {phase}' is none of both, copy, incremental")
    expectation, _, refusal = head.get("expect", "equal").partition(" ")
    if expectation not in ("equal", "refused") or (expectation == "refused") != bool(refusal):
        raise UdupError(f"{path}: '-- expect:' is followed by equal, or by refused and a part of the reason")
    steps = tuple(reader.steps)
    if not reader.split:  # all of it while the job is on
        steps = tuple(Step(step.sql, step.connection, True, step.error, step.line) for step in steps)
    return Case(
        path=path,
        name=str(path.relative_to(folder).with_suffix("")),
        topic=head.get("topic", ""),
        phases=PHASES if phase == "both" else (phase,),
        steps=steps,
        session=head.get("session", ""),
        refusal=refusal,
        schemas=_schemas(steps, head.get("schemas", "")),
        same_counters=head.get("counters", "same") == "same",
        filters=tuple(reader.filters),
        unfit=tuple(reader.provisos["unfit"]),
        refused=tuple(reader.provisos["refused"]),
    )


def read_cases(folder: Path) -> list[Case]:
    """Every case below `folder`, by name; `UdupError` if there is none."""
    cases = [read_case(path, folder) for path in sorted(folder.rglob("*.sql"))]
    if not cases:
        raise UdupError(f"{folder} holds no case (*.sql)")
    return cases


def _schemas(steps: tuple[Step, ...], listed: str) -> tuple[str, ...]:
    names = [name.strip() for name in listed.split(",") if name.strip()]
    for step in steps:
        for found in _NEW_SCHEMA.finditer(step.sql):
            names.append(found["quoted"].replace("``", "`") if found["quoted"] else found["bare"])
    return tuple(dict.fromkeys(names))
