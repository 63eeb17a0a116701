"""What other programs are given of this process's environment: what they need to run, and none of its secrets.

The variables of a node hold its API token, the key of its stored passwords and the passwords of jobs. A program that
inherits them shows them in /proc, and in whatever it writes when it crashes.
"""

from __future__ import annotations

import os

#: What programs need to find their files and to speak the right language.
NEEDED = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD"}
)
_LOCALE = "LC_"

#: What every variable of Udup's own begins with.
OWN = "UDUP_"


def for_program(*more: str, **values: str) -> dict[str, str]:
    """The environment for a program that is not ours: also the variables named in `more`, and these values."""
    kept = {name: text for name, text in os.environ.items() if name in NEEDED or name in more or _is_locale(name)}
    return kept | values


def without_own(**values: str) -> dict[str, str]:
    """The environment for a tool that its user has set up by variables, such as a proxy's: all but Udup's own."""
    return {name: text for name, text in os.environ.items() if not name.startswith(OWN)} | values


def _is_locale(name: str) -> bool:
    return name.startswith(_LOCALE)
