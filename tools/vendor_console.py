"""Fetch the console's libraries from the npm registry into `udup/web/console/vendor/`; for developers only.

    python tools/vendor_console.py          # needs npm; versions and integrity are those of PACKAGES below

The files are the packages' own modules with three changes: bare imports lead to the file beside, uPlot's script
becomes a module, and comments that name source maps are left out. `vendor.json` keeps what came from where, and
`make console-check` holds the files to it.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).parent.parent / "udup" / "web" / "console" / "vendor"

#: What a module calls by its package's name, and the file beside that has it.
BARE = {
    "preact": "./preact.js",
    "preact/hooks": "./hooks.js",
    "@preact/signals-core": "./signals-core.js",
}


@dataclass(frozen=True)
class Package:
    """A package of the registry; `files` leads from a path in its tarball to the name here."""

    name: str
    version: str
    licence: str
    integrity: str
    files: dict[str, str]


PACKAGES = (
    Package(
        "preact",
        "10.29.8",
        "MIT",
        "sha512-ej2aVZ+vZ8WO7tvlQWRM9N63A0KzF9q4mWJfDUHgYaIofWY9hu74QdnQrjoPMmZi2/nZ5gN0bJCQF49xQqx09Q==",
        {"dist/preact.mjs": "preact.js", "hooks/dist/hooks.mjs": "hooks.js"},
    ),
    Package(
        "htm",
        "3.1.1",
        "Apache-2.0",
        "sha512-983Vyg8NwUE7JkZ6NmOqpCZ+sh1bKv2iYTlUkzlWmA5JD2acKoxd4KVxbMmxX/85mtfdnDmTFoNKcg5DGAvxNQ==",
        {"dist/htm.module.js": "htm.js"},
    ),
    Package(
        "@preact/signals-core",
        "1.14.5",
        "MIT",
        "sha512-vcRv7Ityz5JVmeiVqIluLFzT/PDS/AlhHUpw3/aUWqcVUs6bDGIPXE/6RSC4evBNWYvnniozg5Syfj33al3gkg==",
        {"dist/signals-core.mjs": "signals-core.js"},
    ),
    Package(
        "@preact/signals",
        "2.11.4",
        "MIT",
        "sha512-Rb+5RPo9gWSaHtzJeauhHxiC8KP/IF2DEPkHPEOGOnuy2wnJzRqyeLRankUCYd6ADqtxS6GnWGv6Ie343d8aYw==",
        {"dist/signals.mjs": "signals.js"},
    ),
    Package(
        "uplot",
        "1.6.32",
        "MIT",
        "sha512-KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==",
        {"dist/uPlot.iife.min.js": "uplot.js", "dist/uPlot.min.css": "uplot.css"},
    ),
)

_IMPORT = re.compile(r"""(from|import)(\s*)(["'])([^"']+)\3""")
_SOURCE_MAP = re.compile(r"\n?//# sourceMappingURL=\S+\s*$")


def main() -> None:
    """Fetch every package, write its files, their list and the licences."""
    VENDOR.mkdir(parents=True, exist_ok=True)
    listed: list[dict[str, object]] = []
    licences: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        for package in PACKAGES:
            with tarfile.open(_fetched(package, Path(scratch))) as tarball:
                listed += [_vendored(package, tarball, path, name) for path, name in package.files.items()]
                licences.append(f"{package.name} {package.version} ({package.licence})\n\n{_licence(tarball)}")
    (VENDOR / "vendor.json").write_text(json.dumps(listed, indent=1) + "\n", "utf-8")
    (VENDOR / "LICENSES.txt").write_text(f"\n\n{'-' * 80}\n\n".join(licences) + "\n", "utf-8")


def _fetched(package: Package, folder: Path) -> Path:
    """Return the package's tarball; `SystemExit` if it is not the one that is wanted."""
    named = f"{package.name}@{package.version}"
    told = subprocess.run(["npm", "pack", named, "--json"], cwd=folder, check=True, capture_output=True, text=True)
    answer = json.loads(told.stdout)
    entry = answer[0] if isinstance(answer, list) else next(iter(answer.values()))
    path = folder / str(entry["filename"]).replace("@", "").replace("/", "-")
    found = "sha512-" + base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if found != package.integrity:
        raise SystemExit(f"{named}: the registry's tarball has the integrity {found}, not {package.integrity}")
    return path


def _vendored(package: Package, tarball: tarfile.TarFile, path: str, name: str) -> dict[str, object]:
    upstream = _read(tarball, path)
    text = _SOURCE_MAP.sub("\n", _IMPORT.sub(_beside, upstream.decode()))
    if name == "uplot.js":
        text += "export default uPlot;\n"
    data = text.encode()
    (VENDOR / name).write_bytes(data)
    return {
        "file": name,
        "package": package.name,
        "version": package.version,
        "licence": package.licence,
        "integrity": package.integrity,
        "path": path,
        "sha256_upstream": hashlib.sha256(upstream).hexdigest(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "bytes": len(data),
    }


def _beside(found: re.Match[str]) -> str:
    word, space, mark, target = found.groups()
    return f"{word}{space}{mark}{BARE.get(target, target)}{mark}"


def _licence(tarball: tarfile.TarFile) -> str:
    names = [name for name in tarball.getnames() if name.lower().removeprefix("package/").startswith("license")]
    return _read(tarball, names[0].removeprefix("package/")).decode().strip() if names else ""


def _read(tarball: tarfile.TarFile, path: str) -> bytes:
    member = tarball.extractfile(f"package/{path}")
    if member is None:
        raise SystemExit(f"{tarball.name}: {path} is no file")
    with member:
        return member.read()


if __name__ == "__main__":
    main()
