"""Passwords go in and never come out.

Answers show `******` instead, unless it is a reference (`env:NAME`, `file:PATH`), which is no secret. A client that
reads or exports a job, changes something and posts it back sends that mask; the stored password is then put back in
its place, but only while Host, Port and User stay the same (of a destination of messages Url or Brokers, and User):
else whoever may post a job could send the password to a server of their own.

The salt of a mask is a secret too, and stands in the name of an option (`column.mask.hash…with.salt.SALT`): there the
name is masked, and put back by the mask. It goes to no server.
"""

from __future__ import annotations

from typing import Any

from udup.base.secrets import MASK, PLACEHOLDER, is_reference, is_secret, shown_name

#: What must stay the same around a password that is kept, by lower-case key.
_OWNER_KEYS = ("host", "port", "user", "url", "brokers")

#: Tells a task apart from the others of its list, by lower-case key.
_TASK_KEY = "type"


def masked(document: Any) -> Any:
    """A copy of a JSON value with every password replaced by the mask."""
    if isinstance(document, dict):
        names = _shown_names(document)
        return {names[key]: _masked(key, value) for key, value in document.items()}
    if isinstance(document, list):
        return [masked(item) for item in document]
    return document


def merge_passwords(new: Any, stored: Any) -> Any:
    """A copy of `new` in which each mask is replaced by the password that `stored` holds in the same place."""
    if isinstance(new, dict):
        known = _by_lower_key(stored)
        same_owner = _owner(_by_lower_key(new)) == _owner(known)
        kept = {shown.lower(): key for key, shown in _shown_names(stored).items() if shown != key}
        named = {kept.get(str(key).lower(), str(key)): value for key, value in new.items()}
        return {key: _merged(key, value, known.get(key.lower()), same_owner) for key, value in named.items()}
    if isinstance(new, list):
        return [merge_passwords(item, _counterpart(item, place, stored)) for place, item in enumerate(new)]
    return new


def _shown_names(document: Any) -> dict[str, str]:
    """Return the keys of an object as answers have them: salts in them masked, each by a mask of its own."""
    found: dict[str, str] = {}
    for key in document if isinstance(document, dict) else ():
        shown = name = shown_name(key) if isinstance(key, str) else key
        number = 1
        while shown in found.values():
            number += 1
            shown = f"{name}{number}"
        found[key] = shown
    return found


def _masked(key: str, value: Any) -> Any:
    if not is_secret(key):
        return masked(value)
    return value if value is None or is_reference(value) else MASK


def _merged(key: str, value: Any, stored: Any, same_owner: bool) -> Any:
    if is_secret(key):
        return stored if value in (MASK, PLACEHOLDER) and stored is not None and same_owner else value
    return merge_passwords(value, stored)


def _by_lower_key(value: Any) -> dict[str, Any]:
    return {key.lower(): item for key, item in value.items()} if isinstance(value, dict) else {}


def _owner(values: dict[str, Any]) -> list[str]:
    """Host, port and user as text, since "3306" and 3306 are the same port; brokers in any form of a list."""
    return [_as_text(values.get(key)) for key in _OWNER_KEYS]


def _as_text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _counterpart(item: Any, place: int, stored: Any) -> Any:
    """The stored element that an element of a new list stands for: of the same task type, else at the same place."""
    if not isinstance(stored, list):
        return None
    task_type = _by_lower_key(item).get(_TASK_KEY)
    if task_type is not None:
        return next((other for other in stored if _by_lower_key(other).get(_TASK_KEY) == task_type), None)
    return stored[place] if place < len(stored) else None
