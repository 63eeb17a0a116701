"""Character sets and collations in a statement, by the words that name them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from udup.drivers.mysql.ddl.sqltokens import Word
from udup.drivers.mysql.mariadb.collations import default_collation, fit_charset, fit_collation
from udup.drivers.mysql.mariadb.told import Fitting

_CHOOSE = "convert it on the source to a character set that both have (utf8mb4), or leave the table out"

Edit = tuple[int, int, str]


def fit_names(words: Sequence[Word], fitting: Fitting, column: str = "", *, says_all: bool = False) -> Iterator[Edit]:
    """Yield what has to change of the names in some words. `says_all`: a character set alone gets its collation."""
    depth = 0
    for at, word in enumerate(words):
        depth += (word.upper == "(") - (word.upper == ")")
        named = _named(words, at)
        if named is None:
            continue
        if word.upper == "COLLATE":
            yield from _collation(named, fitting, column)
        else:
            yield from _charset(words, named, fitting, column, says_all=says_all and depth <= 0)


def _named(words: Sequence[Word], at: int) -> Word | None:
    """Return the name behind COLLATE, CHARSET or CHARACTER SET at a place."""
    behind = at + 1
    match words[at].upper:
        case "CHARACTER" | "CHAR" if behind < len(words) and words[behind].upper == "SET":
            behind += 1
        case "COLLATE" | "CHARSET":
            pass
        case _:
            return None
    if behind < len(words) and words[behind].upper in ("=", "TO"):
        behind += 1
    return words[behind] if behind < len(words) else None


def _collation(named: Word, fitting: Fitting, column: str) -> Iterator[Edit]:
    fit = fit_collation(named.text, fitting.source, fitting.target)
    if fit is None:
        fitting.refuse(f"the target has no collation like {named.text}", _CHOOSE, column)
    elif fit.name != named.text.lower():
        if not fit.exact:
            fitting.tell_of_all(
                f"the collation {named.text} is {fit.name} on the target, which may order letters otherwise and take"
                " others for equal"
            )
        yield named.start, named.end, fit.name


def _charset(words: Sequence[Word], named: Word, fitting: Fitting, column: str, *, says_all: bool) -> Iterator[Edit]:
    if named.upper == "DEFAULT":
        return
    name = fit_charset(named.text, fitting.target)
    if name is None:
        fitting.refuse(f"the target has no character set {named.text}", _CHOOSE, column)
        return
    if name != named.text.lower() and not named.text.lower().startswith("utf8"):
        yield named.start, named.end, name
    collation = default_collation(named.text, fitting.source)
    if named.text.lower() == "utf8mb4":
        collation = fitting.of_utf8mb4 or collation
    if says_all and collation and not any(word.upper == "COLLATE" for word in words):
        fit = fit_collation(collation, fitting.source, fitting.target)
        if fit is not None:
            yield named.end, named.end, f" COLLATE {fit.name}"
