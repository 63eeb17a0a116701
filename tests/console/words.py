"""The console's words, read from their files: `export default { 'key': 'text', 'key': { one: '…', other: '…' } };`."""

from __future__ import annotations

import re
from pathlib import Path

from udup.web.resources.console import CONSOLE

Text = str | dict[str, str]

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|/\*.*?\*/|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)|(?P<name>\w+)|(?P<mark>[{}:,;])""",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(u\{[0-9a-fA-F]+\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|.)", re.DOTALL)


def parts() -> list[str]:
    """Return the parts that `words/parts.js` lists."""
    return re.findall(r"'(\w+)'", (CONSOLE / "words" / "parts.js").read_text("utf-8"))


def read(language: str, part: str) -> dict[str, Text]:
    """Return the texts of a part in a language."""
    path = CONSOLE / "words" / language / f"{part}.js"
    tokens = _tokens(path)
    if tokens[:2] != ["export", "default"]:
        raise ValueError(f"{path}: begins with export default {{")
    return _object(tokens, 2)[0]


def all_words(language: str) -> dict[str, Text]:
    """Return the texts of all parts in a language."""
    found: dict[str, Text] = {}
    for part in parts():
        found.update(read(language, part))
    return found


def _tokens(path: Path) -> list[str]:
    text, at, found = path.read_text("utf-8"), 0, []
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ValueError(f"{path}: cannot read {text[at : at + 40]!r}")
        at = token.end()
        if token["text"]:
            found.append("=" + _ESCAPE.sub(_unescaped, token["text"][1:-1]))
        elif token["name"] or token["mark"]:
            found.append(token[0])
    return found


def _unescaped(found: re.Match[str]) -> str:
    code = found[1]
    if code[0] in "ux" and len(code) > 1:
        return chr(int(code[1:].strip("{}"), 16))
    return {"n": "\n", "t": "\t"}.get(code, code)


def _object(tokens: list[str], at: int) -> tuple[dict[str, Text], int]:
    found: dict[str, Text] = {}
    at += 1  # {
    while tokens[at] != "}":
        key = tokens[at].removeprefix("=")
        at += 2  # key :
        if key in found:
            raise ValueError(f"the key {key} is there twice")
        if tokens[at] == "{":
            inner, at = _object(tokens, at)
            found[key] = {name: str(value) for name, value in inner.items()}
        else:
            found[key], at = tokens[at].removeprefix("="), at + 1
        at += tokens[at] == ","
    return found, at + 1
