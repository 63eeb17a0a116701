"""DECIMAL as its packed bytes.

Nine digits take four bytes, fewer take as many as they need, before the point and after it for themselves; the highest
bit of the first byte is set, and all bits are turned for a negative number.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cache

from udup.drivers.mysql.rows.errors import damaged

#: Bytes of so many digits.
_BYTES = (0, 1, 1, 2, 2, 3, 3, 4, 4, 4)
_GROUP = 9

#: Digits of a DECIMAL, and of those behind its point, at most.
PRECISION_MAX, SCALE_MAX = 65, 30


def width(precision: int, scale: int) -> int:
    """Return the bytes of every value of such a column."""
    return sum(_BYTES[digits] for digits in _groups(precision, scale))


@cache
def reader(precision: int, scale: int) -> Callable[[bytes], Decimal]:
    """Return the function that reads a packed value; `DamagedRows` from it if a group has too many digits."""
    sizes = [(_BYTES[digits] * 8, digits) for digits in _groups(precision, scale)]
    total = sum(bits for bits, _ in sizes)
    form, parts, at, digits_done = "", [], total, 0
    for bits, digits in sizes:
        if digits_done == precision - scale:
            form += "." if form else "0."
        at -= bits
        parts.append(f"n >> {at} & {(1 << bits) - 1}" if at else f"n & {(1 << bits) - 1}")
        form += f"%0{digits}d"
        digits_done += digits
    length = len(form % ((0,) * len(parts)))
    source = [
        "def read(x):",
        " n = F(x, 'big')",
        f" if n & {1 << total - 1}:",
        f"  n ^= {1 << total - 1}",
        f"  t = {form!r} % ({', '.join(parts)},)",
        f"  if len(t) == {length}: return Decimal(t)",
        " else:",
        f"  n ^= {(1 << total - 1) - 1}",
        f"  t = {'-' + form!r} % ({', '.join(parts)},)",
        f"  if len(t) == {length + 1}: return Decimal(t)",
        " raise damaged('a DECIMAL has more digits than it can have')",
    ]
    names: dict[str, object] = {"F": int.from_bytes, "Decimal": Decimal, "damaged": damaged}
    exec("\n".join(source), names)
    read: Callable[[bytes], Decimal] = names["read"]  # type: ignore[assignment]
    return read


@cache
def packer(precision: int, scale: int) -> Callable[[Decimal], bytes]:
    """Return the function that packs a value; `ValueError` from it for one that does not fit exactly."""
    size = width(precision, scale)
    top = 1 << 8 * size - 1
    whole_digits = precision - scale
    places = []
    at = 0
    for digits in _groups(precision, scale):
        places.append((at, at + digits, _BYTES[digits] * 8))
        at += digits

    def pack(value: Decimal) -> bytes:
        whole, _, fraction = str(value).partition(".")
        if whole[:1] == "-":
            whole = whole[1:]
        if not whole_digits and whole == "0":
            whole = ""
        digits = whole.zfill(whole_digits) + fraction
        if len(digits) != precision or len(fraction) != scale or not digits.isdecimal():
            digits = _digits(value, precision, scale)
        number = 0
        for start, end, bits in places:
            number = number << bits | int(digits[start:end])
        return (top - 1 - number if value.is_signed() else number | top).to_bytes(size, "big")

    return pack


def pack(value: Decimal, precision: int, scale: int) -> bytes:
    """Return the packed bytes; `ValueError` for a value that does not fit exactly."""
    return packer(precision, scale)(value)


def _digits(value: Decimal, precision: int, scale: int) -> str:
    """Return all digits, those before the point filled up with zeros."""
    _, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int):
        raise ValueError("it is no number")
    text = "".join(map(str, digits))
    shift = exponent + scale
    if shift >= 0:
        text = text if text.strip("0") == "" else text + "0" * min(shift, PRECISION_MAX + 1)
    else:
        text = text.rjust(-shift + 1, "0") if -shift <= len(text) + PRECISION_MAX else text
        if text[shift:].strip("0"):
            raise ValueError(f"it has more than {scale} digits behind the point")
        text = text[:shift]
    text = text.lstrip("0").rjust(precision, "0")
    if len(text) > precision:
        raise ValueError(f"it has more than {precision - scale} digits before the point")
    return text


@cache
def _groups(precision: int, scale: int) -> tuple[int, ...]:
    """Return how many digits stand together."""
    whole = precision - scale
    before = ((whole % _GROUP,) if whole % _GROUP else ()) + (_GROUP,) * (whole // _GROUP)
    behind = (_GROUP,) * (scale // _GROUP) + ((scale % _GROUP,) if scale % _GROUP else ())
    return before + behind
