"""What the console's files are held to, without a browser: `make console-check`.

The libraries are those that `vendor.json` names; nothing is asked of another host; all of it is small; every word that
a page uses is there, in both languages.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from tests.console.words import Text, all_words, parts, read
from udup.web.joined import STATIC, graph, made_of
from udup.web.resources.console import CONSOLE

#: Bytes by gzip of all files that there are (of the languages the larger), and of what the list of jobs loads.
ALL_LIMIT, FIRST_LIMIT = 300_000, 150_000

#: Lines that a file of a page may have.
LINES = 250

LANGUAGES = ("en", "zh")

_LAZY = re.compile(r"""\bimport\(\s*(["'])([^"'\n]+)\1""")
_WORD = re.compile(r"""\b(?:t|rich|has|label)\(\s*(['"`])([^'"`]*)\1""")
_GIVEN = re.compile(r"^export (?:const|let|class|(?:async )?function\*?) (\w+)", re.MULTILINE)
_TAKEN = re.compile(r"^import \{([^}]*)\} from", re.MULTILINE)
_HOST = re.compile(r"\bhttps?://[^\s'\"`)]+")
#: Names of XML's namespaces, addresses of nobody.
_NAMESPACES = ("http://www.w3.org/",)


def own_scripts() -> Iterator[Path]:
    """Yield the scripts that are Udup's own."""
    for path in sorted(CONSOLE.rglob("*.js")):
        if "vendor" not in path.relative_to(CONSOLE).parts:
            yield path


def vendor_faults() -> list[str]:
    """Return which libraries are not the ones that are listed, and which are listed without a licence."""
    folder = CONSOLE / "vendor"
    listed = json.loads((folder / "vendor.json").read_text("utf-8"))
    licences = (folder / "LICENSES.txt").read_text("utf-8")
    faults = [
        f"vendor/{each['file']} is not what vendor.json says: python tools/vendor_console.py"
        for each in listed
        if hashlib.sha256((folder / each["file"]).read_bytes()).hexdigest() != each["sha256"]
    ]
    faults += [
        f"vendor/LICENSES.txt has no licence of {each['package']} {each['version']}"
        for each in listed
        if f"{each['package']} {each['version']} ({each['licence']})" not in licences
    ]
    known = {each["file"] for each in listed} | {"vendor.json", "LICENSES.txt"}
    return faults + [f"vendor/{path.name} is not in vendor.json" for path in folder.iterdir() if path.name not in known]


def import_faults() -> list[str]:
    """Return imports that no browser could follow, or that lead to a file that is not there."""
    faults = []
    for path in sorted(CONSOLE.rglob("*.js")):
        text = path.read_text("utf-8")
        for _, target in [*STATIC.findall(text), *_LAZY.findall(text)]:
            if not target.startswith((".", "/")):
                faults.append(f"{_name(path)} imports {target}, which only a bundler could find")
            elif not (path.parent / target).resolve().is_file():
                faults.append(f"{_name(path)} imports {target}, which is not there")
    return faults


def unused_faults() -> list[str]:
    """Return what a script gives to others, or takes from them, that nobody uses."""
    texts = {path: path.read_text("utf-8") for path in own_scripts()}
    words = Counter(word for text in texts.values() for word in set(re.findall(r"\w+", text)))
    faults = []
    for path, text in texts.items():
        own = Counter(re.findall(r"\w+", text))
        given = _GIVEN.findall(text)
        faults += [f"{_name(path)} gives {name}, which nobody uses" for name in given if own[name] == words[name] == 1]
        for names in _TAKEN.findall(text):
            taken = [each.split(" as ")[-1].strip() for each in names.split(",") if each.strip()]
            faults += [f"{_name(path)} takes {name} and does not use it" for name in taken if own[name] == 1]
    return faults


def host_faults() -> list[str]:
    """Return addresses of other hosts in Udup's own files."""
    own = [*own_scripts(), *CONSOLE.rglob("*.css"), *CONSOLE.rglob("*.html")]
    return [
        f"{_name(path)} names {found}"
        for path in own
        if "vendor" not in path.parts
        for found in _HOST.findall(path.read_text("utf-8"))
        if not found.startswith(_NAMESPACES)
    ]


def policy_faults() -> list[str]:
    """Return what the page's policy would forbid: scripts and styles in the markup."""
    page = (CONSOLE / "index.html").read_text("utf-8")
    faults = [
        f"index.html has {found}" for found in re.findall(r"<style|\son\w+=|\sstyle=|<script(?![^>]*\ssrc=)", page)
    ]
    for path in own_scripts():
        text = path.read_text("utf-8")
        faults += [f"{_name(path)} uses {word}" for word in ("innerHTML", "eval(", "new Function") if word in text]
        faults += [f'{_name(path)} has style="…" in markup'] * bool(re.search(r'\sstyle="', text))
    return faults


def style_faults() -> list[str]:
    """Return style sheets that the page names and lacks, or has and does not name."""
    named = set(re.findall(r'href="(style/[\w-]+\.css)"', (CONSOLE / "index.html").read_text("utf-8")))
    there = {_name(path) for path in (CONSOLE / "style").glob("*.css")}
    linked = {found for path in own_scripts() for found in re.findall(r"style/[\w-]+\.css", path.read_text("utf-8"))}
    return [f"{name} is not there" for name in named - there] + [
        f"index.html does not name {name}" for name in there - named - linked
    ]


@cache
def _files() -> dict[str, bytes]:
    """Return the files as a browser gets them: without those of which one is made."""
    read = {_name(path): path.read_bytes() for path in CONSOLE.rglob("*") if path.is_file()}
    joined = {f"words/{code}/{part}.js" for code in LANGUAGES for part in parts()}
    return {name: data for name, data in (read | made_of(read)).items() if name not in joined}


def _sent(names: Iterable[str]) -> int:
    return sum(len(gzip.compress(_files()[name], 9, mtime=0)) for name in names)


def size() -> int:
    """Return the bytes of all files that a browser may load, as they are sent. Of the two languages it loads one."""
    made = {"style.css", *(f"words/{code}.js" for code in LANGUAGES)}
    rest = [name for name in _files() if name not in made and not name.endswith(".css") and name != "words/parts.js"]
    return _sent(rest) + _sent(["style.css"]) + _words_size()


def first_size() -> int:
    """Return the bytes that a browser loads for the list of jobs: the page, its styles, its scripts and their words."""
    names = {"index.html", "icon.svg", "style.css", *graph(_files(), "start.js", "app.js", "pages/jobs.js")}
    return _sent(names) + _words_size()


def _words_size() -> int:
    return max(_sent([f"words/{code}.js"]) for code in LANGUAGES)


def size_faults() -> list[str]:
    """Return whether all of it is too large, and files that are too long to be read."""
    faults = [f"all files are {size():,} bytes by gzip, more than {ALL_LIMIT:,}"] * (size() > ALL_LIMIT)
    faults += [f"the first page is {first_size():,} bytes, more than {FIRST_LIMIT:,}"] * (first_size() > FIRST_LIMIT)
    for path in own_scripts():
        lines = path.read_text("utf-8").count("\n")
        if lines > LINES and "words" not in path.parts:
            faults.append(f"{_name(path)} has {lines} lines, more than {LINES}")
    return faults


def word_faults() -> list[str]:
    """Return words that a page uses and a language lacks, and those that only one language has."""
    faults = []
    for part in parts():
        english, chinese = read("en", part), read("zh", part)
        faults += [f"words/zh/{part}.js lacks {key}" for key in english.keys() - chinese.keys()]
        faults += [f"words/en/{part}.js lacks {key}" for key in chinese.keys() - english.keys()]
        faults += [
            f"words/zh/{part}.js: {key} has other names in braces than the English text"
            for key in english.keys() & chinese.keys()
            if _names(chinese[key]) - _names(english[key])
        ]
    known = all_words("en")
    for path in own_scripts():
        for _, key in _WORD.findall(path.read_text("utf-8")):
            begun, is_made, _ = key.partition("${")
            if is_made:
                if begun and not any(each.startswith(begun) for each in known):
                    faults.append(f"{_name(path)} uses words that begin with {begun}, of which there are none")
            elif "." in key and key not in known:
                faults.append(f"{_name(path)} uses {key}, which is not there")
    return faults


def _names(text: Text) -> set[str]:
    texts = [text] if isinstance(text, str) else list(text.values())
    return {name for each in texts for name in re.findall(r"\{(\w+)\}", each)}


def _name(path: Path) -> str:
    return path.relative_to(CONSOLE).as_posix()


CHECKS = {
    "libraries": vendor_faults,
    "imports": import_faults,
    "unused": unused_faults,
    "hosts": host_faults,
    "policy": policy_faults,
    "styles": style_faults,
    "sizes": size_faults,
    "words": word_faults,
}


def main() -> None:
    """Print every fault, and how large it is."""
    faults = [f"{name}: {fault}" for name, check in CHECKS.items() for fault in check()]
    print(
        "\n".join(faults)
        or f"the console's files are as they should be: {size():,} bytes by gzip, of which the "
        f"list of jobs loads {first_size():,}"
    )
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
