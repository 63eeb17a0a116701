"""What a target's account needs for the views, routines, triggers and events that a job brings, as they are now.

Nothing of it is asked for where the job has no such object. One that is made while the job runs may need it all the
same: its statement then stops the job, with the GRANT.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from udup.base.long_text import some_of
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.dictionary.definers import TRIGGER, Defined, KnownAccounts
from udup.pipeline.checks import DEST, Check, Finding, Rule, apply, failed, warned

#: From here on SET_USER_ID is two privileges: SET_ANY_DEFINER and ALLOW_NONEXISTENT_DEFINER.
SPLIT_SET_USER_ID = (8, 2, 0)

#: Names shown of a list.
_SHOWN = 5


@dataclass(frozen=True)
class StoredSide:
    """`facts` are the target's, `every` the source's objects; `accounts` is None where they may not be read.

    `copies`: the job makes these objects now. Otherwise they are there, and a statement of the log may alter them.
    `by_statements`: no trigger is made there.
    """

    facts: ServerFacts
    every: Sequence[Defined]
    accounts: KnownAccounts | None
    copies: bool
    by_statements: bool = False

    @property
    def defined(self) -> list[Defined]:
        """Return those that the job makes, or alters."""
        return [each for each in self.every if not (self.by_statements and each.kind == TRIGGER)]

    @property
    def foreign(self) -> list[Defined]:
        """Return those of other accounts than the target's own."""
        own = self.facts.account.replace("'", "")
        return [each for each in self.defined if each.definer != own]


def stored_checks(side: StoredSide) -> Iterator[Check]:
    """Return what the job's stored objects ask of the target's account and settings."""
    return apply(_RULES, DEST, side)


def _definers(side: StoredSide) -> Iterator[Finding]:
    facts, foreign = side.facts, side.foreign
    if not foreign:
        return
    is_split = facts.version >= SPLIT_SET_USER_ID
    setting = "SET_ANY_DEFINER" if is_split else "SET_USER_ID"
    judged = failed if side.copies else warned
    if not _any(facts, setting, "SUPER"):
        yield _lacking(judged, facts, setting, f"objects of other accounts: {_listed(foreign)}")
    known = side.accounts
    if is_split and not _any(facts, "ALLOW_NONEXISTENT_DEFINER", "SUPER"):
        lost = foreign if known is None else [each for each in foreign if each.definer not in known.names]
        use = f"objects whose definer has no account here: {_listed(lost)}"
        if lost:
            yield _lacking(warned if known is None else judged, facts, "ALLOW_NONEXISTENT_DEFINER", _maybe(known, use))
    if not facts.privileges.has("SYSTEM_USER"):  # which SUPER does not stand for
        high = foreign if known is None else [each for each in foreign if each.definer in known.system]
        use = f"objects whose definer has SYSTEM_USER: {_listed(high)}"
        if high:
            yield _lacking(warned if known is None else judged, facts, "SYSTEM_USER", _maybe(known, use))


def _maybe(known: KnownAccounts | None, use: str) -> str:
    return f"{use}, if that is so: it may not read mysql.user" if known is None else use


def _lacking(judged: Callable[[str, str], Finding], facts: ServerFacts, privilege: str, use: str) -> Finding:
    return judged(
        f"{facts.account} has not {privilege}, which it needs for {use}",
        facts.grant(privilege),
    )


def _function_creators(side: StoredSide) -> Iterator[Finding]:
    facts = side.facts
    made = [each for each in side.defined if each.kind in ("FUNCTION", TRIGGER)]
    trusted = facts.is_on("log_bin_trust_function_creators") or facts.privileges.has("SUPER")
    if made and facts.is_on("log_bin") and not trusted:
        yield (failed if side.copies else warned)(
            f"functions and triggers need SUPER here while log_bin_trust_function_creators is OFF: {_listed(made)}",
            "SET PERSIST log_bin_trust_function_creators = ON",
        )


def _listed(found: Iterable[Defined]) -> str:
    return some_of([f"{each} of {each.definer}" for each in found], _SHOWN)


def _any(facts: ServerFacts, *privileges: str) -> bool:
    return any(facts.privileges.has(each) for each in privileges)


def _of_others(side: StoredSide) -> str:
    foreign = side.foreign
    return f"enough for {len(foreign)} objects of other accounts" if foreign else "no object is another account's"


_RULES: tuple[Rule[StoredSide], ...] = (
    Rule(
        "log_bin_trust_function_creators",
        lambda side: side.facts.value("log_bin_trust_function_creators", "not needed"),
        _function_creators,
    ),
    Rule("definer_privileges", _of_others, _definers),
)
