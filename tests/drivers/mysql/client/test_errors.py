"""What an error of MySQL's means follows from its number, in one place."""

from __future__ import annotations

import pymysql
import pytest

from udup.base.errors import Conflict, Contended, Divergence, Superseded, UdupError, Unavailable
from udup.drivers.mysql.apply.errors import failure_of
from udup.drivers.mysql.client.errors import Meaning, describe, error_code, failure, is_transient, meaning


def _error(code: int) -> pymysql.err.MySQLError:
    return pymysql.err.OperationalError(code, "text")


@pytest.mark.parametrize("code", [1205, 1213])
def test_a_lock_that_was_not_to_be_had_is_worth_another_try_at_once(code: int) -> None:
    assert meaning(_error(code)) is Meaning.CONTENDED
    assert is_transient(_error(code))
    assert type(failure(_error(code), "applying u:1", Divergence)) is Contended
    assert type(failure_of(_error(code), "u:1", [], lambda: True)) is Contended


@pytest.mark.parametrize("code", [1040, 1053, 1290, 1317, 2003, 2006, 2013, 3032, 3169, 4031])
def test_a_server_that_is_out_of_order_is_worth_another_run(code: int) -> None:
    assert meaning(_error(code)) is Meaning.UNAVAILABLE
    assert type(failure(_error(code), "applying u:1", Divergence)) is Unavailable
    assert type(failure_of(_error(code), "u:1", [], lambda: True)) is Unavailable


@pytest.mark.parametrize("error", [pymysql.err.InterfaceError(0, ""), ConnectionResetError(104, "reset")])
def test_a_connection_that_is_gone_is_worth_another_run(error: Exception) -> None:
    assert type(failure(error, "asking", Divergence)) is Unavailable


def test_any_other_error_is_what_its_place_makes_of_it() -> None:
    assert meaning(_error(1064)) is None
    assert type(failure(_error(1064), "asking")) is UdupError
    assert type(failure(_error(1064), "asking", Divergence)) is Divergence
    assert str(failure(_error(1064), "asking h:1")) == "asking h:1: error 1064: text"
    assert str(failure(_error(1064), "")) == describe(_error(1064)) == "error 1064: text"
    assert error_code(ValueError()) == error_code(ValueError("text")) == 0


def test_a_row_that_is_missing_is_a_conflict_or_another_run_has_the_job() -> None:
    assert type(failure_of(_error(1032), "u:1", [], lambda: False)) is Conflict
    assert type(failure_of(_error(1032), "u:1", [], lambda: True)) is Superseded
    assert type(failure_of(_error(1062), "u:1", [], lambda: True)) is Conflict
