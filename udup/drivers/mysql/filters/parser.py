"""The grammar of row filters: MySQL's expressions over one row, and nothing else.

The rules are those of MySQL's own grammar (`expr`, `boolean primary`, `predicate`, `bit_expr`, `simple_expr`), so that
a filter means here what it means there. What is not listed is refused; so are `||` and `!`, which mean other things in
other modes.
"""

from __future__ import annotations

from decimal import Decimal

from udup.drivers.mysql.filters.lexer import FilterProblem, Sort, Word, words_of
from udup.drivers.mysql.filters.tree import (
    Arithmetic,
    Between,
    Call,
    Cast,
    Choice,
    Collated,
    ColumnRef,
    Comparison,
    Constant,
    InList,
    IsNull,
    IsTruth,
    Junction,
    Match,
    Negation,
    Node,
    Shifted,
    is_deeper,
)

#: Brackets within brackets, and parts within parts of the tree; a filter that is written by hand has a dozen.
MAX_DEPTH = 24
MAX_PARTS = 100

_COMPARISONS = {"=": "=", "<=>": "<=>", "<": "<", "<=": "<=", ">": ">", ">=": ">=", "<>": "<>", "!=": "<>"}

#: Signs and words between two operands, the loosest first.
_LEVELS = (("|",), ("&",), ("<<", ">>"), ("+", "-"), ("*", "/", "%", "DIV", "MOD"), ("^",))
_ADDING = 3

_CASTS = frozenset({"CHAR", "BINARY", "SIGNED", "UNSIGNED", "DOUBLE", "DECIMAL", "DATE", "DATETIME"})
_UNITS = frozenset({"MICROSECOND", "SECOND", "MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"})

#: Words that begin what is not a row's own.
_NOT_A_ROWS = {
    "SELECT": "a subquery, which looks at more than the row",
    "EXISTS": "a subquery, which looks at more than the row",
    "WITH": "a subquery, which looks at more than the row",
    "TABLE": "a subquery, which looks at more than the row",
    "VALUES": "a subquery, which looks at more than the row",
    "MATCH": "a full-text search, which looks at more than the row",
    "DEFAULT": "a column's default",
    "BINARY": "BINARY: write CAST(… AS BINARY)",
    "ROW": "a list of values where one belongs",
    "DISTINCT": "a word that does not belong there",
}

#: Functions without brackets.
_MOMENTS = frozenset(
    {"CURRENT_DATE", "CURRENT_TIME", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP", "UTC_DATE", "UTC_TIME"}
    | {"UTC_TIMESTAMP", "CURRENT_USER"}
)

#: Words of the grammar, which name a column in backticks only.
_RESERVED = frozenset(
    {"AND", "OR", "XOR", "NOT", "IS", "IN", "BETWEEN", "LIKE", "REGEXP", "RLIKE", "DIV", "MOD", "COLLATE", "CASE"}
    | {"WHEN", "THEN", "ELSE", "ESCAPE", "INTERVAL", "AS", "FROM", "WHERE", "UNION", "ORDER", "GROUP", "LIMIT"}
)


def parse(text: str) -> Node:
    """Return the filter's tree. Raise `FilterProblem` for what is not carried out, with the place and the reason."""
    parser = _Parser(words_of(text))
    found = parser.expression()
    parser.end()
    if is_deeper(found, MAX_PARTS):
        raise FilterProblem(f"has more than {MAX_PARTS} operations within each other")
    return found


class _Parser:
    def __init__(self, words: list[Word]) -> None:
        self._words = words
        self._at = 0
        self._depth = 0

    # ---- Words ----

    @property
    def _here(self) -> Word:
        return self._words[self._at]

    def _ahead(self, count: int = 1) -> Word:
        return self._words[min(self._at + count, len(self._words) - 1)]

    def _take(self) -> Word:
        word = self._here
        self._at += word.sort is not Sort.END
        return word

    def _accept(self, *keywords: str) -> bool:
        if any(self._ahead(number).upper != keyword for number, keyword in enumerate(keywords)):
            return False
        self._at += len(keywords)
        return True

    def _expect(self, keyword: str) -> None:
        if not self._accept(keyword):
            raise self._problem(f"{self._shown()} where {keyword} should stand")

    def _shown(self) -> str:
        return repr(self._here.text) if self._here.sort is not Sort.END else "its end"

    def _problem(self, what: str) -> FilterProblem:
        return FilterProblem(f"has at character {self._here.at + 1} {what}")

    def end(self) -> None:
        if self._here.sort is not Sort.END:
            raise self._problem(f"{self._shown()} where it should end")

    # ---- Conditions ----

    def expression(self) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._problem(f"more than {MAX_DEPTH} expressions within each other")
        found = self._either()
        self._depth -= 1
        return found

    def _either(self) -> Node:
        parts = [self._exclusive()]
        while self._accept("OR"):
            parts.append(self._exclusive())
        if self._here.upper == "||":
            raise self._problem("||, which means OR or CONCAT, as a session's sql_mode says; write the word")
        return parts[0] if len(parts) == 1 else Junction(tuple(parts), "OR")

    def _exclusive(self) -> Node:
        found = self._both()
        while self._accept("XOR"):
            found = Junction((found, self._both()), "XOR")
        return found

    def _both(self) -> Node:
        parts = [self._negated()]
        while self._accept("AND") or self._accept("&&"):
            parts.append(self._negated())
        return parts[0] if len(parts) == 1 else Junction(tuple(parts), "AND")

    def _negated(self) -> Node:
        count = 0
        while self._accept("NOT"):
            count += 1
        found = self._primary()
        for _ in range(count):
            found = Negation((found,))
        return found

    def _primary(self) -> Node:
        found = self._predicate()
        while True:
            sign = _COMPARISONS.get(self._here.upper)
            if sign is not None:
                self._take()
                if self._here.upper in ("ANY", "ALL", "SOME"):
                    raise self._problem("a subquery, which looks at more than the row")
                found = Comparison((found, self._predicate()), sign)
            elif self._accept("IS"):
                negated = self._accept("NOT")
                word = self._take().upper
                if word == "NULL":
                    found = IsNull((found,), negated)
                elif word in ("TRUE", "FALSE", "UNKNOWN"):
                    found = IsTruth((found,), {"TRUE": True, "FALSE": False, "UNKNOWN": None}[word], negated)
                else:
                    raise self._problem("IS without NULL, TRUE, FALSE or UNKNOWN before it")
            else:
                return found

    def _predicate(self) -> Node:
        found = self._operands(0)
        negated = self._here.upper == "NOT" and self._ahead().upper in ("IN", "BETWEEN", "LIKE", "REGEXP", "RLIKE")
        if negated:
            self._take()
        if self._accept("IN"):
            return InList((found, *self._list()), negated)
        if self._accept("BETWEEN"):
            low = self._operands(0)
            self._expect("AND")
            return Between((found, low, self._predicate()), negated)
        if self._accept("LIKE"):
            pattern = self._simple()
            escape = self._take() if self._accept("ESCAPE") else None
            if escape and (escape.sort is not Sort.TEXT or len(escape.text) != 1):
                raise self._problem("an ESCAPE that is not one character")
            return Match((found, pattern), "LIKE", negated, escape.text if escape else None)
        if self._accept("REGEXP") or self._accept("RLIKE"):
            return Match((found, self._operands(0)), "REGEXP", negated)
        if self._accept("MEMBER", "OF"):
            return Call((found, *self._list()), "MEMBER OF")
        return found

    # ---- Values ----

    def _operands(self, level: int) -> Node:
        if level == len(_LEVELS):
            return self._simple()
        found = self._operands(level + 1)
        while self._here.upper in _LEVELS[level]:
            sign = self._take().upper
            if level == _ADDING and self._accept("INTERVAL"):
                found = self._shifted(found, sign)
            else:
                found = Arithmetic((found, self._operands(level + 1)), "%" if sign == "MOD" else sign)
        return found

    def _shifted(self, date: Node, sign: str) -> Node:
        count = self.expression()
        unit = self._take().upper
        if unit not in _UNITS:
            raise self._problem(f"an INTERVAL of no unit before it; known are {', '.join(sorted(_UNITS))}")
        return Shifted((date, count), sign, unit)

    def _simple(self) -> Node:
        found = self._atom()
        while self._accept("COLLATE"):
            word = self._take()
            if word.sort not in (Sort.WORD, Sort.NAME) or not word.text.isidentifier():
                raise self._problem("no name of a collation before it")
            found = Collated((found,), word.text)
        return found

    def _atom(self) -> Node:
        word = self._here
        match word.sort:
            case Sort.NUMBER:
                return Constant((), _number(self._take().text))
            case Sort.TEXT:
                return self._texts()
            case Sort.HEX:
                return Constant((), bytes.fromhex(self._take().text))
            case Sort.BITS:
                return Constant((), int(self._take().text or "0", 2), "BITS")
            case Sort.NAME:
                return self._column()
            case Sort.WORD:
                return self._worded()
        if self._accept("("):
            found = self.expression()
            if self._here.upper == ",":
                raise self._problem("a list of values where one belongs")
            self._expect(")")
            return found
        if word.upper in ("-", "+", "~"):
            self._take()
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise self._problem("too many signs")
            operand = self._atom()
            self._depth -= 1
            return _signed(word.upper, operand)
        if word.upper == "!":
            raise self._problem("!, which binds otherwise in other modes; write NOT")
        raise self._problem(f"{self._shown()} where a value should stand")

    def _texts(self) -> Node:
        """Take a text: several beside each other are one."""
        parts = [self._take().text]
        while self._here.sort is Sort.TEXT:
            parts.append(self._take().text)
        return Constant((), "".join(parts))

    def _worded(self) -> Node:
        upper = self._here.upper
        following = self._ahead()
        if upper in ("TRUE", "FALSE"):
            self._take()
            return Constant((), int(upper == "TRUE"))
        if upper == "NULL":
            self._take()
            return Constant()
        if upper in ("DATE", "TIME", "TIMESTAMP") and following.sort is Sort.TEXT:
            self._take()
            return Constant((), self._take().text, upper)
        if upper == "CASE":
            return self._choice()
        if upper in _NOT_A_ROWS:
            raise self._problem(_NOT_A_ROWS[upper])
        if upper in _MOMENTS:
            raise self._problem(f"{upper}, whose answer is another one at another time or for another user")
        if following.upper == "(" and upper not in _RESERVED - {"MOD"}:
            return self._cast() if upper in ("CAST", "CONVERT") else self._call()
        if upper in _RESERVED or (upper.startswith("_") and following.sort in (Sort.TEXT, Sort.HEX)):
            raise self._problem(f"{self._shown()} where a value should stand")
        return self._column()

    def _column(self) -> Node:
        """Take a column's name, or its table's in front of it, which says nothing new."""
        name = self._take().text
        while self._accept("."):
            if self._here.sort not in (Sort.NAME, Sort.WORD):
                raise self._problem(f"{self._shown()} where a name should stand")
            name = self._take().text
            if self._here.upper == "(":
                raise self._problem("a stored function, which may answer anything")
        found: Node = ColumnRef((), name)
        if self._here.upper in ("->", "->>"):
            sign = self._take().upper
            if self._here.sort is not Sort.TEXT:
                raise self._problem(f"{self._shown()} where a path should stand")
            found = Call((found, Constant((), self._take().text)), "JSON_EXTRACT")
            return Call((found,), "JSON_UNQUOTE") if sign == "->>" else found
        return found

    def _call(self) -> Node:
        name = self._take().upper
        if name in ("DATE_ADD", "DATE_SUB"):
            self._expect("(")
            date = self.expression()
            self._expect(",")
            self._expect("INTERVAL")
            found = self._shifted(date, "+" if name == "DATE_ADD" else "-")
            self._expect(")")
            return found
        return Call(tuple(self._list(0)), name)

    def _list(self, least: int = 1) -> list[Node]:
        """Take expressions in brackets."""
        self._expect("(")
        found: list[Node] = []
        if least or self._here.upper != ")":
            found.append(self.expression())
            while self._accept(","):
                found.append(self.expression())
        self._expect(")")
        return found

    def _cast(self) -> Node:
        name = self._take().upper
        self._expect("(")
        value = self.expression()
        if name == "CONVERT":
            self._expect(",")
        else:
            self._expect("AS")
        kind = self._take().upper
        if kind not in _CASTS:
            raise self._problem(f"a CAST to no type of these before it: {', '.join(sorted(_CASTS))}")
        size = self._size() if self._here.upper == "(" else ""
        if kind in ("SIGNED", "UNSIGNED"):
            self._accept("INTEGER")
        self._expect(")")
        return Cast((value,), kind, size)

    def _size(self) -> str:
        self._expect("(")
        numbers = [self._take()]
        while self._accept(","):
            numbers.append(self._take())
        self._expect(")")
        if not all(each.sort is Sort.NUMBER and each.text.isdigit() for each in numbers):
            raise self._problem("a length that is no number before it")
        return f"({', '.join(each.text for each in numbers)})"

    def _choice(self) -> Node:
        self._expect("CASE")
        parts: list[Node] = []
        has_subject = self._here.upper != "WHEN"
        if has_subject:
            parts.append(self.expression())
        while self._accept("WHEN"):
            parts.append(self.expression())
            self._expect("THEN")
            parts.append(self.expression())
        if len(parts) == has_subject:
            raise self._problem("a CASE without WHEN")
        has_other = self._accept("ELSE")
        if has_other:
            parts.append(self.expression())
        self._expect("END")
        return Choice(tuple(parts), has_subject, has_other)


def _number(text: str) -> int | Decimal | float:
    if "e" in text.lower():
        return float(text)
    return Decimal(text) if "." in text else int(text)


def _signed(sign: str, operand: Node) -> Node:
    if isinstance(operand, Constant) and isinstance(operand.value, (int, Decimal)) and not operand.typed:
        if sign == "-":
            return Constant((), -operand.value)
        if sign == "+":
            return operand
    return Arithmetic((operand,), sign)
