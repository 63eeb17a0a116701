"""How the site is made of these documents: `make docs`."""

from __future__ import annotations

import tomllib
from pathlib import Path

_PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))["project"]

project = "Udup"
release = version = _PROJECT["version"]
root_doc = "index"
extensions = ["myst_parser"]
exclude_patterns = ["conf.py"]

# Headings are called in links as they are where the files are read in a browser of the repository.
myst_heading_anchors = 4
myst_enable_extensions = ["strikethrough"]

# Examples of JSON leave parts out (`…`), SQL of accounts escapes names: both are shown as they are.
highlight_options = {}
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"Udup {release}"
html_favicon = "../udup/web/console/icon.svg"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
html_last_updated_fmt = None
html_theme_options = {"top_of_page_buttons": []}
