"""The functions that a row filter may use: their answer depends on their arguments alone.

Not on the session (names of days, the first day of a week), the time, the user, the server, or other rows. What an
argument is taken for: `text`, `number`, `day` (a date), `clock` (a date or time), `json`, `truth`, `any`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Answer(Enum):
    """What a function answers; SAME: one of its arguments."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    JSON = "json"
    SAME = "same"


#: Arguments that a function which takes any number of them may have.
_MANY = 64


@dataclass(frozen=True)
class Function:
    """`takes` for each argument, the last one for all that follow; `same_from`: the first of those that it answers.

    `plain`: its text has the session's character set, and is to have one that does not depend on it.
    """

    answer: Answer
    takes: tuple[str, ...]
    least: int
    most: int
    same_from: int = 0
    plain: bool = False


def _of(
    answer: Answer, *takes: str, least: int | None = None, most: int | None = None, plain: bool = False
) -> Function:
    count = len(takes)
    return Function(answer, takes, count if least is None else least, count if most is None else most, plain=plain)


_NUMBER, _TEXT, _DATE, _JSON, _SAME = Answer.NUMBER, Answer.TEXT, Answer.DATE, Answer.JSON, Answer.SAME

FUNCTIONS: dict[str, Function] = {
    # Numbers.
    **dict.fromkeys(("ABS", "CEIL", "CEILING", "FLOOR", "SIGN"), _of(_NUMBER, "number")),
    **dict.fromkeys(("ROUND", "TRUNCATE"), _of(_NUMBER, "number", "number", least=1)),
    "MOD": _of(_NUMBER, "number", "number"),
    "CRC32": _of(_NUMBER, "text"),
    # Choices.
    "COALESCE": _of(_SAME, "any", least=1, most=_MANY),
    "IFNULL": _of(_SAME, "any", "any"),
    "NULLIF": _of(_SAME, "any", "any"),
    **dict.fromkeys(("GREATEST", "LEAST"), _of(_SAME, "any", least=2, most=_MANY)),
    "IF": Function(_SAME, ("truth", "any", "any"), 3, 3, same_from=1),
    "ISNULL": _of(_NUMBER, "any"),
    # Texts.
    **dict.fromkeys(
        ("CHAR_LENGTH", "CHARACTER_LENGTH", "LENGTH", "OCTET_LENGTH", "ASCII", "ORD"), _of(_NUMBER, "text")
    ),
    **dict.fromkeys(("LOWER", "LCASE", "UPPER", "UCASE", "TRIM", "LTRIM", "RTRIM", "REVERSE"), _of(_TEXT, "text")),
    **dict.fromkeys(("LEFT", "RIGHT"), _of(_TEXT, "text", "number")),
    **dict.fromkeys(("SUBSTRING", "SUBSTR", "MID"), _of(_TEXT, "text", "number", "number", least=2)),
    "SUBSTRING_INDEX": _of(_TEXT, "text", "text", "number"),
    "CONCAT": _of(_TEXT, "text", least=1, most=_MANY),
    "CONCAT_WS": _of(_TEXT, "text", least=2, most=_MANY),
    "REPLACE": _of(_TEXT, "text", "text", "text"),
    **dict.fromkeys(("LPAD", "RPAD"), _of(_TEXT, "text", "number", "text")),
    "INSTR": _of(_NUMBER, "text", "text"),
    "LOCATE": _of(_NUMBER, "text", "text", "number", least=2),
    "STRCMP": _of(_NUMBER, "text", "text"),
    "FIND_IN_SET": _of(_NUMBER, "text", "text"),
    "HEX": _of(_TEXT, "any", plain=True),
    **dict.fromkeys(("MD5", "SHA", "SHA1"), _of(_TEXT, "text", plain=True)),
    "SHA2": _of(_TEXT, "text", "number", plain=True),
    # Dates.
    "DATE": _of(_DATE, "day"),
    "LAST_DAY": _of(_DATE, "day"),
    **dict.fromkeys(("YEAR", "MONTH", "DAY", "DAYOFMONTH", "DAYOFWEEK", "WEEKDAY"), _of(_NUMBER, "day")),
    **dict.fromkeys(("DAYOFYEAR", "QUARTER", "TO_DAYS", "UNIX_TIMESTAMP"), _of(_NUMBER, "day")),
    "DATEDIFF": _of(_NUMBER, "day", "day"),
    **dict.fromkeys(("HOUR", "MINUTE", "SECOND", "MICROSECOND"), _of(_NUMBER, "clock")),
    # JSON.
    "JSON_EXTRACT": _of(_JSON, "json", "text", least=2, most=_MANY),
    "JSON_UNQUOTE": _of(_TEXT, "json"),
    "JSON_CONTAINS": _of(_NUMBER, "json", "json", "text", least=2),
    "JSON_CONTAINS_PATH": _of(_NUMBER, "json", "text", least=3, most=_MANY),
    "JSON_OVERLAPS": _of(_NUMBER, "json", "json"),
    "JSON_LENGTH": _of(_NUMBER, "json", "text", least=1),
    "JSON_DEPTH": _of(_NUMBER, "json"),
    "JSON_TYPE": _of(_TEXT, "json"),
    "JSON_VALID": _of(_NUMBER, "json"),
    "MEMBER OF": _of(_NUMBER, "any", "json"),
}
