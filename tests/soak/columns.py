"""Random columns and values for them, as SQL text: every type that MySQL has, from its dull middle to its edges."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

#: Characters of texts by character set: plain, accented, beyond the basic plane.
_ALPHABETS = {
    "utf8mb4": "abcXYZ 0189_'\"\\%\n\täßéЖ中文🙂𝄞",
    "latin1": "abcXYZ 0189_'\"\\%\n\täßé£",
    "gbk": "abcXYZ 0189_'\"%中文字",
    "ascii": "abcXYZ 0189_'\"\\%",
}

#: Bits of the integer types.
_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}

_BLOBS = {"tinyblob": 250, "blob": 3000, "mediumblob": 70_000}
_TEXTS = {"tinytext": 60, "text": 3000, "mediumtext": 20_000}

#: Values are seldom this much larger than the usual.
_RARELY = 0.02


@dataclass(frozen=True)
class Kind:
    """A column's type: as it is declared, how it may be in a key (`` if not), and how a value of it is written."""

    declared: str
    key_part: str
    literal: Callable[[random.Random], str]


def random_kind(dice: random.Random) -> Kind:
    usual: list[Callable[[random.Random], Kind]] = [_integer, _text, _moment]
    others = [_decimal, _floating, _year, _date, _bits, _bytes, _blob, _long_text, _enum, _set, _json, _point, _vector]
    return dice.choice([*usual * 3, *others])(dice)


def key_kind(dice: random.Random) -> Kind:
    """A type that serves as a key: of many values."""
    return dice.choice([_integer_key, _integer_key, _text_key, _bytes_key, _moment_key])(dice)


def _integer(dice: random.Random) -> Kind:
    name = dice.choice(list(_BITS))
    unsigned = dice.random() < 0.4
    low, high = (0, 2 ** _BITS[name] - 1) if unsigned else (-(2 ** (_BITS[name] - 1)), 2 ** (_BITS[name] - 1) - 1)

    def literal(dice: random.Random) -> str:
        return str(dice.choice([low, high, 0, dice.randint(low, high), dice.randint(max(low, -99), min(high, 99))]))

    return Kind(f"{name}{' unsigned' if unsigned else ''}", "{}", literal)


def _integer_key(dice: random.Random) -> Kind:
    name = dice.choice(["int", "bigint", "bigint unsigned", "mediumint unsigned"])
    return Kind(name, "{}", lambda dice: str(dice.randint(0, 1 << 23)))


def _decimal(dice: random.Random) -> Kind:
    digits = dice.choice([5, 10, 20, 65])
    scale = dice.randint(0, min(30, digits))

    def literal(dice: random.Random) -> str:
        used = dice.choice([1, digits // 2 or 1, digits])
        number = dice.randint(-(10**used) + 1, 10**used - 1)
        sign, text = "-" if number < 0 else "", str(abs(number)).rjust(scale + 1, "0")
        return f"{sign}{text[: len(text) - scale]}.{text[len(text) - scale :] or '0'}"

    return Kind(f"decimal({digits},{scale})", "{}", literal)


def _floating(dice: random.Random) -> Kind:
    name = dice.choice(["float", "double"])
    largest = 3e38 if name == "float" else 8e307  # twice that is still a number

    def literal(dice: random.Random) -> str:
        return repr(dice.choice([0.0, -0.0, dice.uniform(-1, 1), dice.uniform(-largest, largest), dice.gauss(0, 1e6)]))

    return Kind(name, "", literal)


def _moment(dice: random.Random) -> Kind:
    name, digits = dice.choice(["datetime", "timestamp", "time"]), dice.choice([0, 3, 6])

    def literal(dice: random.Random) -> str:
        fraction = f".{dice.randrange(10**digits):0{digits}}" if digits else ""
        clock = f"{dice.randrange(24):02}:{dice.randrange(60):02}:{dice.randrange(60):02}{fraction}"
        if name == "time":
            hours = dice.choice([dice.randrange(24), dice.randint(24, 837)])
            return f"'{dice.choice(['', '-'])}{hours}:{clock.split(':', 1)[1]}'"
        year = dice.randint(1971, 2037) if name == "timestamp" else dice.choice([1, 1000, 1999, 2026, 9999])
        return f"'{year:04}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02} {clock}'"

    return Kind(f"{name}({digits})", "{}", literal)


def _moment_key(dice: random.Random) -> Kind:
    seconds = 50_000_000

    def literal(dice: random.Random) -> str:
        return f"TIMESTAMPADD(MICROSECOND, {dice.randrange(seconds * 10**6)}, '2020-01-01 00:00:00.000000')"

    return Kind("datetime(6)", "{}", literal)


def _year(_dice: random.Random) -> Kind:
    return Kind("year", "{}", lambda dice: str(dice.choice([0, 1901, 2155, 2026])))


def _date(_dice: random.Random) -> Kind:
    def literal(dice: random.Random) -> str:
        return f"'{dice.randint(1, 9999):04}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}'"

    return Kind("date", "{}", literal)


def _bits(dice: random.Random) -> Kind:
    size = dice.choice([1, 7, 8, 33, 64])
    return Kind(f"bit({size})", "{}", lambda dice: f"b'{dice.getrandbits(size):b}'")


def _text(dice: random.Random) -> Kind:
    charset = dice.choice(list(_ALPHABETS))
    size = dice.choice([1, 10, 60, 200])
    name = dice.choice(["char", "varchar"])
    return Kind(f"{name}({size}) character set {charset}", "{}", _text_of(charset, size))


def _text_key(dice: random.Random) -> Kind:
    collation = dice.choice(["utf8mb4_bin", "utf8mb4_0900_ai_ci", "utf8mb4_0900_as_cs"])
    return Kind(f"varchar(40) collate {collation}", "{}", lambda dice: f"'{dice.getrandbits(100):x}'")


def _bytes_key(_dice: random.Random) -> Kind:
    return Kind("binary(16)", "{}", lambda dice: f"x'{dice.randbytes(16).hex()}'")


def _long_text(dice: random.Random) -> Kind:
    name, charset = dice.choice(list(_TEXTS)), dice.choice(list(_ALPHABETS))
    return Kind(f"{name} character set {charset}", "{}(10)", _text_of(charset, _TEXTS[name]))


def _text_of(charset: str, size: int) -> Callable[[random.Random], str]:
    def literal(dice: random.Random) -> str:
        length = size if dice.random() < _RARELY else dice.randint(0, min(size, 12))
        text = "".join(dice.choices(_ALPHABETS[charset], k=length)).rstrip(" ")
        return f"CONVERT(x'{text.encode().hex()}' USING utf8mb4)" if text else "''"

    return literal


def _bytes(dice: random.Random) -> Kind:
    name, size = dice.choice(["binary", "varbinary"]), dice.choice([1, 16, 200])
    return Kind(f"{name}({size})", "{}", lambda dice: _hex(dice, size))


def _blob(dice: random.Random) -> Kind:
    name = dice.choice(list(_BLOBS))
    return Kind(name, "{}(10)", lambda dice: _hex(dice, _BLOBS[name]))


def _hex(dice: random.Random, size: int) -> str:
    data = dice.randbytes(size if dice.random() < _RARELY else dice.randint(0, min(size, 20)))
    return f"x'{data.hex()}'" if data else "''"


def _enum(dice: random.Random) -> Kind:
    count = dice.choice([2, 5, 300])
    return Kind(f"enum({_members(count)})", "{}", lambda dice: str(dice.randint(1, count)))


def _set(dice: random.Random) -> Kind:
    count = dice.choice([3, 9, 64])
    return Kind(f"set({_members(count)})", "{}", lambda dice: str(dice.getrandbits(count)))


def _members(count: int) -> str:
    return ",".join(f"'m{number}'" for number in range(count))


def _json(_dice: random.Random) -> Kind:
    def literal(dice: random.Random) -> str:
        return f"CONVERT(x'{json.dumps(_document(dice, 3)).encode().hex()}' USING utf8mb4)"

    return Kind("json", "", literal)


def _document(dice: random.Random, depth: int) -> Any:
    if depth and dice.random() < 0.6:
        if dice.random() < 0.5:
            return [_document(dice, depth - 1) for _ in range(dice.randint(0, 4))]
        return {f"k{dice.randint(0, 9)}": _document(dice, depth - 1) for _ in range(dice.randint(0, 4))}
    return dice.choice([None, True, False, 0, -1, 1 << 53, 1.5, "", "text", "äß🙂", dice.random(), "x" * 70])


def _point(_dice: random.Random) -> Kind:
    return Kind("point", "", lambda dice: f"ST_GeomFromText('POINT({dice.randint(-90, 90)} {dice.random()})')")


def _vector(dice: random.Random) -> Kind:
    size = dice.choice([1, 3, 16])

    def literal(dice: random.Random) -> str:
        return f"STRING_TO_VECTOR('[{','.join(f'{dice.uniform(-9, 9):.4f}' for _ in range(size))}]')"

    return Kind(f"vector({size})", "", literal)
