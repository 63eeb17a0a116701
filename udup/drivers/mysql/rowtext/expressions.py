"""What the generated reader does with each value: Python expressions by `TextOp`, which are what the operation means.

Of `@`, what `struct` or a slice gave, to what stands in the text: a `str`, or an `int` whose digits do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from json import loads
from json.encoder import encode_basestring as quoted

from udup.drivers.mysql.rows.values import Json
from udup.drivers.mysql.rowtext import texts
from udup.drivers.mysql.rowtext.json_legacy import legacy_text
from udup.drivers.mysql.rowtext.letters import decoder_of
from udup.drivers.mysql.rowtext.masks import Mask
from udup.drivers.mysql.rowtext.ops import ColumnProgram, TextOp

#: Codes of `struct` for a length of so many bytes; three are read as bytes.
_LENGTHS = {1: "B", 2: "H", 3: "3s", 4: "I"}
_INTEGERS = {1: "b", 2: "h", 4: "i", 8: "q"}


@dataclass(frozen=True)
class Expression:
    """`code` is that of `struct`, of the value or of its length; `names` are what `read` needs."""

    code: str
    read: str
    names: Mapping[str, object] = field(default_factory=dict)


def expression_of(column: ColumnProgram) -> Expression:
    """Return what is done with a column's values."""
    found = _MAKERS[column.op](column)
    return replace(found, code=_LENGTHS[column.width]) if column.sized else found


def skipping(column: ColumnProgram) -> str:
    """Return the code of a value that is only read over, or of its length."""
    return _LENGTHS[column.width] if column.sized else f"{column.width}x"


_Make = Callable[[ColumnProgram], Expression]


def _integer(column: ColumnProgram) -> Expression:
    if column.width == 3:
        read = f"F(@, 'little', signed={column.signed})"
        return Expression("3s", read, {"F": int.from_bytes})
    code = _INTEGERS[column.width]
    return Expression(code if column.signed else code.upper(), "@")


def _year(column: ColumnProgram) -> Expression:
    return Expression("B", "@ + 1900" if column.quirks else "(@ and @ + 1900)")


def _calling(code: str, function: Callable[..., object]) -> _Make:
    name = function.__name__
    return lambda _: Expression(code, f"{name}(@)", {name: function})


def _raw(column: ColumnProgram, read: str, **names: object) -> Expression:
    return Expression(f"{column.width}s", read, {"F": int.from_bytes, **names})


def _decimal(form: str, *functions: Callable[..., object]) -> _Make:
    """Return what makes the expression of a packed DECIMAL; `form` has `{n}` for the unscaled number."""

    def make(column: ColumnProgram) -> Expression:
        name = f"unscaled_{column.precision}_{column.digits}"
        names = {each.__name__: each for each in functions}
        read = form.replace("{n}", f"{name}(@)").replace("{s}", str(column.digits))
        return _raw(column, read, **{name: texts.unscaled_reader(column.precision, column.digits)}, **names)

    return make


def _enum(column: ColumnProgram) -> Expression:
    name = f"members_{column.index}"
    return Expression(_INTEGERS[column.width].upper(), f"{name}[@]", {name: column.texts})


def _set(column: ColumnProgram) -> Expression:
    name = f"members_{column.index}"
    return _raw(column, f"{name}[F(@, 'little')]", **{name: texts.SetTexts(column.texts)})


# ---- Texts and bytes ----


def _utf8(_: ColumnProgram) -> Expression:
    return Expression("", "quoted(@.decode('utf-8', 'replace'))", {"quoted": quoted})


def _one_byte(column: ColumnProgram) -> Expression:
    name = f"texts_{column.index}"
    table = dict(enumerate(column.texts))
    return Expression("", f"""'"' + @.decode('latin-1').translate({name}) + '"'""", {name: table})


def _other(column: ColumnProgram) -> Expression:
    name = f"decode_{column.index}"
    return Expression("", f"quoted({name}(@))", {name: decoder_of(column.charset), "quoted": quoted})


def _filled(column: ColumnProgram, function: Callable[[bytes], str]) -> Expression:
    value = f"@.ljust({column.fill}, ZERO)" if column.fill else "@"
    return Expression("", f"{function.__name__}({value})", {function.__name__: function, "ZERO": b"\0"})


def _json_legacy(column: ColumnProgram) -> Expression:
    name = f"document_{column.index}"
    return Expression("", f"{name}(@)", {name: _Documents(column.quirks)})


class _Documents:
    """Of a document to its text in quotes. An update mostly has the same document twice: the last text is kept."""

    def __init__(self, quirks: bool) -> None:
        self._quirks = quirks
        self._last: tuple[bytes, str] = (b"", quoted(legacy_text(b"", quirks)))

    def __call__(self, data: bytes) -> str:
        last, text = self._last
        if data != last:
            text = quoted(legacy_text(data, self._quirks))
            self._last = data, text
        return text


def _json_database(_: ColumnProgram) -> Expression:
    return Expression("", "quoted(Json(@).text())", {"quoted": quoted, "Json": Json})


# ---- Dates and times ----


def _date(form: str) -> _Make:
    """Return what makes the expression of a DATE; `form` has `{d}` for its days."""

    def make(column: ColumnProgram) -> Expression:
        days = f"days_{column.adjust}"
        names = {days: texts.DAYS[column.adjust], "DAY_TEXTS": texts.DAY_TEXTS, f"zero_{column.index}": column.zero}
        read = f"({form} if (d := {days}[F(@, 'little')]) is not None else zero_{column.index})"
        return _raw(column, read, **names)

    return make


def _datetime(form: str) -> _Make:
    """Return what makes the expression of five bytes, the highest bit set, and the fraction behind them, big-endian.

    `form` has `$u` for the microseconds since 1970, `$f` for those of the second, `$s` for the day's seconds.
    """

    def make(column: ColumnProgram) -> Expression:
        tail = 8 * (column.width - 5)
        fraction = f"checked_fraction((p & {(1 << tail) - 1}) * {100 ** (3 - tail // 8)})" if tail else "0"
        seconds = f"DAY_SECONDS[p >> {tail} & 131071]"
        moment = f"((d * 86400 + {seconds}) * 1000000 + {fraction})"
        zero, days = f"zero_{column.index}", f"datetime_days_{column.adjust}"
        value = form.replace("$u", moment).replace("$f", fraction).replace("$s", seconds).replace("$z", zero)
        packed = f"(p := F(@, 'big') ^ {1 << 39 + tail})"
        names: dict[str, object] = {days: texts.DATETIME_DAYS[column.adjust], zero: column.zero}
        for function in (texts.datetime_text, texts.nanoseconds, texts.checked_fraction):
            names[function.__name__] = function
        read = f"({value} if (d := {days}[{packed} >> {17 + tail}]) is not None else {zero})"
        return _raw(column, read, DAY_SECONDS=texts.DAY_SECONDS, **names)

    return make


def _timestamp(column: ColumnProgram) -> Expression:
    tail, zero = column.width - 4, f"zero_{column.index}"
    if tail:
        bits = 8 * tail
        fraction = f"(p & {(1 << bits) - 1}) * {100 ** (3 - tail)}"
        text = f"timestamp_text(p >> {bits}, {fraction}, {column.digits})"
    else:
        text = "f'\"{DAY_TEXTS[p // 86400]}T{CLOCK_TEXTS[p % 86400]}Z\"'"
    return _raw(
        column,
        f"({text} if (p := F(@, 'big')) else {zero})",
        timestamp_text=texts.timestamp_text,
        DAY_TEXTS=texts.DAY_TEXTS,
        CLOCK_TEXTS=texts.CLOCK_TEXTS,
        **{zero: column.zero},
    )


def _time(form: str, *functions: Callable[..., object]) -> _Make:
    """Return what makes the expression of a TIME; `form` has `$z` for what stands for one that is none."""

    def make(column: ColumnProgram) -> Expression:
        zero = f"zero_{column.index}"
        names = {each.__name__: each for each in (texts.time_microseconds, *functions)}
        return _raw(column, form.replace("$z", zero), **names, **{zero: column.zero})

    return make


# ---- Values that are not shown ----


def _constant(column: ColumnProgram) -> Expression:
    name = f"constant_{column.index}"
    text = column.texts[0] if column.op is TextOp.CONSTANT else "null"
    return Expression(f"{column.width}s", name, {name: text})


def _masked(column: ColumnProgram) -> Expression:
    under = expression_of(replace(column, op=column.under))
    name, mask = f"mask_{column.index}", column.mask
    assert mask is not None
    function = _Masking(mask, column.characters)
    return replace(under, read=f"{name}({under.read})", names={**under.names, name: function})


class _Masking:
    """Of a text in JSON's form to the masked text in that form."""

    def __init__(self, mask: Mask, characters: int) -> None:
        self._mask = mask
        self._characters = characters

    def __call__(self, text: str) -> str:
        return quoted(self._mask.of(loads(text), self._characters))


_MAKERS: dict[TextOp, _Make] = {
    TextOp.INT: _integer,
    TextOp.BOOLEAN: lambda column: _raw(column, "('true' if @.strip(ZERO) else 'false')", ZERO=b"\0"),
    TextOp.UNSIGNED_BASE64: _calling("Q", texts.number_base64),
    TextOp.YEAR: _year,
    TextOp.FLOAT: _calling("f", texts.float_text),
    TextOp.FLOAT_WIDE: _calling("f", texts.double_text),
    TextOp.DOUBLE: _calling("d", texts.double_text),
    TextOp.DECIMAL_BASE64: _decimal("number_base64({n})", texts.number_base64),
    TextOp.DECIMAL_STRING: _decimal("'\"' + plain_decimal({n}, {s}) + '\"'", texts.plain_decimal),
    TextOp.DECIMAL_DOUBLE: _decimal("repr(float(plain_decimal({n}, {s})))", texts.plain_decimal),
    TextOp.BITS: lambda column: _raw(column, "base64_text(@[::-1])", base64_text=texts.base64_text),
    TextOp.ENUM: _enum,
    TextOp.SET: _set,
    TextOp.TEXT_UTF8: _utf8,
    TextOp.TEXT_BYTES: _one_byte,
    TextOp.TEXT_OTHER: _other,
    TextOp.BASE64: lambda column: _filled(column, texts.base64_text),
    TextOp.BASE64_URL: lambda column: _filled(column, texts.base64_url_text),
    TextOp.HEX: lambda column: _filled(column, texts.hex_text),
    TextOp.JSON_LEGACY: _json_legacy,
    TextOp.JSON_DATABASE: _json_database,
    TextOp.GEOMETRY: _calling("", texts.geometry_text),
    TextOp.POINT: _calling("", texts.point_text),
    TextOp.VECTOR: _calling("", texts.vector_text),
    TextOp.DATE_DAYS: _date("d"),
    TextOp.DATE_ISO: _date("f'\"{DAY_TEXTS[d]}Z\"'"),
    TextOp.DATETIME_MS: _datetime("$u // 1000"),
    TextOp.DATETIME_US: _datetime("$u"),
    TextOp.DATETIME_NS: _datetime("nanoseconds($u, $z)"),
    TextOp.DATETIME_ISO: _datetime("datetime_text(d, $s, $f)"),
    TextOp.TIMESTAMP_ISO: _timestamp,
    TextOp.TIME_MS: _time("time_microseconds(@) // 1000"),
    TextOp.TIME_US: _time("time_microseconds(@)"),
    TextOp.TIME_NS: _time("time_microseconds(@) * 1000"),
    TextOp.TIME_CONNECT: _time("connect_time(@, $z)", texts.connect_time),
    TextOp.TIME_ISO: _time("iso_time(@, $z)", texts.iso_time),
    TextOp.NULL: _constant,
    TextOp.CONSTANT: _constant,
    TextOp.MASKED: _masked,
}
