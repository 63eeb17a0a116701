"""Regular expressions over the names of schemas and tables, and the names that they make.

The dialect is what RE2 and Python's `re` have in common, read as RE2 reads it: `\\w`, `\\d`, `\\s` and `\\b` know ASCII
only, and a pattern may match anywhere in a name unless `^` and `$` anchor it. A new name is a template in which
`${1}` or `${name}` stands for a group and `$$` for a dollar sign.

Python's matcher goes back and tries again, so that a short pattern can keep it busy for years. Names have at most 64
characters; with the limits below a match ends within about a second on the worst of them, and mostly at once.
"""

from __future__ import annotations

import re
from functools import lru_cache

#: The longest pattern, in characters; four names of the longest kind.
PATTERN_LENGTH = 256

#: Compiled patterns kept in a process.
PATTERNS_KEPT = 1024

#: Repetitions (`*`, `+`, `{2,5}`) in one pattern: each lets a name of n characters be divided in n more ways.
MAX_REPETITIONS = 4

#: Optional parts (`?`) in one pattern: each doubles the ways.
MAX_OPTIONALS = 4

#: Groups with alternatives (`|`) in one pattern: each multiplies the ways.
MAX_CHOICES = 6

_GROUP_START = re.compile(r"\((?:\?(?:P<\w+>|:|i\)|i:))?")
_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}")
_CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)
#: What Python may once read as sets of characters within sets.
_NESTED_SET = re.compile(r"\[\[|&&|~~|--|\|\|")
_REFERENCE = re.compile(r"\$(?:\{(\w+)\}|(\$)|(?=(\w)))", re.ASCII)


@lru_cache(maxsize=PATTERNS_KEPT)
def compiled(pattern: str, fold: bool) -> re.Pattern[str]:
    """The pattern; `fold` is for servers that keep names in lower case."""
    return re.compile(pattern, re.ASCII | (re.IGNORECASE if fold else re.NOFLAG))


def pattern_problem(pattern: str) -> str:
    """What is wrong with a pattern and where, empty if nothing is."""
    if len(pattern) > PATTERN_LENGTH:
        return f"is longer than {PATTERN_LENGTH} characters"
    if found := _NESTED_SET.search(pattern):
        return f"has {found.group()!r} at character {found.start() + 1}: write a backslash before each of the two"
    try:
        compiled(pattern, False)
    except re.error as error:
        place = f" at character {error.pos + 1}" if error.pos is not None else ""
        return f"is not a regular expression: {error.msg}{place}"
    try:
        _Shape(pattern).walk()
    except _ShapeError as error:
        return str(error)
    return ""


def template_problem(pattern: str, template: str) -> str:
    """What is wrong with a new name made of the groups of a (right) pattern, empty if nothing is."""
    groups = compiled(pattern, False)
    used = 0
    for found in _REFERENCE.finditer(template):
        name, dollar, bare = found.groups()
        if bare:
            return f"has ${bare} at character {found.start() + 1}: write ${{{bare}}} for a group, $$ for a dollar sign"
        if dollar:
            continue
        used += 1
        known = int(name) <= groups.groups if name.isdecimal() else name in groups.groupindex
        if not known:
            return f"uses ${{{name}}}, and the regular expression has {groups.groups} groups"
    return "" if used else "uses no group, so that every name that matches would become one: use ${1}"


def expand(template: str, match: re.Match[str]) -> str:
    """The new name of what matched; a group that took no part is empty."""

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "$"
        return match[int(name) if name.isdecimal() else name] or ""

    return _REFERENCE.sub(value, template)


class _ShapeError(ValueError):
    """A construct that is not of the dialect, or that could take long."""


class _Shape:
    """Walks a pattern that compiles, one element after the other."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0
        #: Of each open group whether something in it can match in several ways.
        self._open = [False]
        self._repetitions = self._optionals = self._choices = 0

    def walk(self) -> None:
        while self._at < len(self._pattern):
            ambiguous = self._element()
            self._quantifier(ambiguous)

    def _refuse(self, what: str) -> _ShapeError:
        return _ShapeError(f"has {what} at character {self._at + 1}")

    def _element(self) -> bool:
        """Pass one element; whether it can match in several ways."""
        letter = self._pattern[self._at]
        if letter == "\\":
            if self._pattern[self._at + 1].isdigit():
                raise self._refuse("a back reference, which names cannot be matched with")
            self._at += 2
        elif letter == "[":
            found = _CLASS.match(self._pattern, self._at)
            if found is None:
                raise self._refuse("a class that is not understood")
            self._at = found.end()
        elif letter == "(":
            found = _GROUP_START.match(self._pattern, self._at)
            assert found is not None
            if found.group() == "(" and self._pattern.startswith("(?", self._at):
                raise self._refuse("a look-around or an unknown kind of group")
            self._at = found.end()
            if not found.group().endswith("i)"):
                self._open.append(False)
        elif letter == ")":
            self._at += 1
            ambiguous = self._open.pop()
            self._open[-1] |= ambiguous
            return ambiguous
        else:
            self._at += 1
            if letter == "|":
                self._choice()
        return False

    def _choice(self) -> None:
        """One more alternative; counted once a group."""
        self._choices += not self._open[-1] and len(self._open) > 1
        self._open[-1] = True
        if self._choices > MAX_CHOICES:
            raise self._refuse(f"more than {MAX_CHOICES} groups with alternatives (the next)")

    def _quantifier(self, ambiguous: bool) -> None:
        """Pass the repetition of what was passed last, if there is one."""
        rest = self._pattern[self._at : self._at + 1]
        counted = _COUNT.match(self._pattern, self._at)
        if rest not in ("*", "+", "?") and counted is None:
            return
        exact = counted is not None and counted[2] is None
        optional = rest == "?"
        if not optional and ambiguous:
            raise self._refuse("a repetition of what repeats or has alternatives, which could take years")
        self._repetitions += not optional and not exact
        self._optionals += optional
        if self._repetitions > MAX_REPETITIONS or self._optionals > MAX_OPTIONALS:
            raise self._refuse(f"more than {MAX_REPETITIONS} repetitions or {MAX_OPTIONALS} optional parts (the next)")
        self._open[-1] |= not exact
        self._at = counted.end() if counted else self._at + 1
        if self._pattern.startswith("+", self._at):
            raise self._refuse("a possessive repetition")
        if self._pattern.startswith("?", self._at):
            self._at += 1
