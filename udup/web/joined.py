"""What the node makes of the console's files when it lists them, so that a page needs few requests.

The files in the folder are read as they are; nothing is compiled. Made of them are one style sheet in the order of
`index.html`, the words of each language in one module, and lists of what each page imports: those of the first page
stand in `index.html` as `modulepreload`, those of the others in `graph.json`, which the page reads when it has nothing
else to do. So a browser asks for all modules at once, instead of for each when the one before names it.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping

#: Imports and re-exports at the head of a module.
STATIC = re.compile(r"""(?:^|;|\})\s*(?:import|export)\b(?:[\w\s{},*$]*?\bfrom)?\s*(["'])([^"'\n]+)\1""", re.MULTILINE)

_STYLE = re.compile(r"""\s*<link rel="stylesheet" href="([^"]+)">""")
_PRELOAD = re.compile(r"""\s*<link rel="modulepreload" href="[^"]+">""")
_LAZY = re.compile(r"""\bimport\(\s*["']([^"'\n]+)["']""")
_PART = re.compile(r"""^\s*'(\w+)',""", re.MULTILINE)

#: What the first page is made of.
_FIRST = ("start.js", "app.js", "pages/jobs.js")


def made_of(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files that are made of the others, by their names; `index.html` takes the place of the one read."""
    page = files["index.html"].decode()
    styles = b"\n".join(files[name] for name in _STYLE.findall(page))
    made = {"style.css": styles, "graph.json": json.dumps(_pages(files)).encode()}
    for language in sorted(
        {name.split("/")[1] for name in files if name.startswith("words/") and name.count("/") == 2}
    ):
        made[f"words/{language}.js"] = _words(files, language)
    first = "".join(f'\n  <link rel="modulepreload" href="{name}">' for name in graph(files, *_FIRST))
    head = '\n  <link rel="stylesheet" href="style.css">' + first
    page = _PRELOAD.sub("", _STYLE.sub("", page))
    made["index.html"] = page.replace('\n  <script type="module"', head + '\n  <script type="module"', 1).encode()
    return made


def graph(files: Mapping[str, bytes], *starts: str) -> list[str]:
    """Return the modules that these import, themselves too, each before those that it is the first to name."""
    found: dict[str, None] = {}
    waiting = [name for name in starts if name in files]
    while waiting:
        name = waiting.pop(0)
        if name not in found:
            found[name] = None
            targets = (target for _, target in STATIC.findall(files[name].decode()))
            waiting += [each for target in targets if (each := _beside(name, target)) in files]
    return list(found)


def _pages(files: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Return what each module that is fetched later imports, beside what is there already."""
    there = set(graph(files, *_FIRST))
    later = {
        _beside(name, target)
        for name, data in files.items()
        if name.endswith(".js") and not name.startswith("vendor/")
        for target in _LAZY.findall(data.decode())
    }
    return {name: [each for each in graph(files, name) if each not in there] for name in sorted(later & files.keys())}


def _words(files: Mapping[str, bytes], language: str) -> bytes:
    """Return all parts of a language as one module."""
    parts = _PART.findall(files["words/parts.js"].decode())
    texts = [files[f"words/{language}/{part}.js"].decode() for part in parts]
    named = [text.replace("export default", f"const part{i} =", 1) for i, text in enumerate(texts)]
    spread = ", ".join(f"...part{i}" for i in range(len(parts)))
    return "\n".join([*named, f"export default {{ {spread} }};\n"]).encode()


def _beside(name: str, target: str) -> str:
    """Return the name of what a module imports by a relative path."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
