"""Decoders of typed messages are made when their module is loaded, on one thread.

Two threads that have msgspec decode a type for the first time at the same moment may stand still for ever, in a process
that several jobs share.
"""

from __future__ import annotations

import ast
from pathlib import Path

UDUP = Path(__file__).parents[2] / "udup"


def _makes_a_decoder(node: ast.AST) -> bool:
    """Whether a call has msgspec look at a type: `….decode(…, type=…)`, `convert`, or a Decoder."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    named = ast.unparse(node.func)
    by_type = named.startswith("msgspec.") and any(keyword.arg == "type" for keyword in node.keywords)
    return by_type or named == "msgspec.convert" or (named.startswith("msgspec.") and named.endswith(".Decoder"))


def test_no_function_makes_a_decoder() -> None:
    found = [
        f"{path.relative_to(UDUP)}:{call.lineno}"
        for path in UDUP.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
        for call in ast.walk(function)
        if _makes_a_decoder(call)
    ]
    assert found == []
