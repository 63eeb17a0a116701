"""Changes of a statement's text by position, so that everything else of it stays as it was, byte by byte."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from udup.base.errors import Unsupported
from udup.drivers.mysql.client.names import quote


class Edit(NamedTuple):
    """What stands from `start` to `end` becomes `text`."""

    start: int
    end: int
    text: str


def name_edit(place: tuple[int, int], name: str) -> Edit:
    """Return a name in backticks, which every sql_mode understands."""
    return Edit(*place, quote(name))


def edited(text: str, edits: Iterable[Edit]) -> str:
    """Return the text with all edits, which must not overlap."""
    return "".join(_pieces(text, edits))


def edited_bytes(text: str, edits: Iterable[Edit], encoding: str, client: str) -> bytes:
    """Return the same as bytes: what stays in the encoding that it was read in, what is new in the client's.

    Raise `Unsupported` if the client's character set does not have a letter of a new name.
    """
    pieces = []
    for number, piece in enumerate(_pieces(text, edits)):
        try:
            pieces.append(piece.encode(client if number % 2 else encoding))
        except UnicodeEncodeError as error:
            raise Unsupported(
                f"the new name {piece} cannot be written in {client}, the character set of the session that ran the "
                "statement on the source; choose one of plain letters"
            ) from error
    return b"".join(pieces)


def _pieces(text: str, edits: Iterable[Edit]) -> list[str]:
    """Return what stays and what is new, in turns; what stays comes first and last."""
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits):
        pieces += [text[at : edit.start], edit.text]
        at = edit.end
    return [*pieces, text[at:]]
