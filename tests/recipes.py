"""The recipes of a Markdown file: what its sections have to be run, block by block, as a reader would run it.

A block's first line says where it runs: ```` ```sh ```` in a shell, ```` ```sql source ```` and ```` ```sql target ````
on a server. A command may end in `# exits with N`; another exit code than that, or than 0, is a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"^```(sh|sql source|sql target)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXIT_CODE = re.compile(r"\s+#\s*exits with (\d+)\s*$")
_COMMENT = re.compile(r"\s+# .*$")


@dataclass(frozen=True)
class Step:
    """One command or statement. `where` is `sh`, `source` or `target`; `exit_code` is a command's."""

    where: str
    text: str
    exit_code: int = 0


def sections(file: Path, level: str = "## ") -> dict[str, str]:
    """Return the text of each section by its title."""
    parts = re.split(rf"^{re.escape(level)}(.+)$", file.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def steps(text: str) -> Iterator[Step]:
    """Yield what a section has to be run, in its order."""
    for where, block in _BLOCK.findall(text):
        if where == "sh":
            lines = block.replace("\\\n", " ").splitlines()
            yield from (_command(line.strip()) for line in lines if line.strip() and not line.lstrip().startswith("#"))
        else:
            yield from (Step(where.split()[1], sql.strip()) for sql in block.split(";\n") if sql.strip())


def _command(line: str) -> Step:
    found = _EXIT_CODE.search(line)
    return Step("sh", _COMMENT.sub("", line), int(found[1]) if found else 0)
