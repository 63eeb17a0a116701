"""Which Debian mirror this machine uses, out of apt's own lists of sources."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

#: Answers everywhere, from a node near by.
DEFAULT_MIRROR = "http://deb.debian.org/debian"

_APT_FOLDER = Path("/etc/apt")

#: `deb [options] URI suite components`, sources.list(5).
_ONE_LINE = re.compile(r"^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s")


def debian_mirrors(apt_folder: Path = _APT_FOLDER) -> list[str]:
    """Mirrors of the whole archive, the machine's own first, the default last.

    Other archives (debian-security, third parties, another distribution's) do not end in `/debian` and are left out;
    a signature that is not Debian's is refused later by apt.
    """
    uris = (uri.rstrip("/") for uri in _configured_uris(apt_folder))
    own = [uri for uri in uris if re.fullmatch(r"https?://\S+/debian", uri)]
    return list(dict.fromkeys([*own, DEFAULT_MIRROR]))


def _configured_uris(apt_folder: Path) -> Iterator[str]:
    parts = sorted((apt_folder / "sources.list.d").glob("*"))
    for path in [apt_folder / "sources.list", *parts]:
        if path.suffix == ".list" and path.is_file():
            yield from _one_line_uris(path.read_text(errors="replace"))
        elif path.suffix == ".sources" and path.is_file():
            yield from _deb822_uris(path.read_text(errors="replace"))


def _one_line_uris(text: str) -> Iterator[str]:
    for line in text.splitlines():
        match = _ONE_LINE.match(line)
        if match:
            yield match[1]


def _deb822_uris(text: str) -> Iterator[str]:
    """URIs of the enabled stanzas; a field goes on over lines that start with a blank, `#` starts a comment line."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        unfolded = re.sub(r"\n[ \t]+", " ", stanza)
        fields = dict(re.findall(r"^([\w-]+):[ \t]*(.*)$", unfolded.lower(), re.MULTILINE))
        if fields.get("enabled", "yes").strip() == "no" or "deb" not in fields.get("types", "").split():
            continue
        match = re.search(r"^URIs:(.*)$", unfolded, re.MULTILINE | re.IGNORECASE)
        yield from match[1].split() if match else ()
