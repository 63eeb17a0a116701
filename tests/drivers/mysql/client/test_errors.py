"""What an error of MySQL's means follows from its number, in one place."""

from __future__ import annotations

import pymysql
import pytest

from udup.base.errors import Conflict, Contended, Divergence, Refused, Superseded, Transient, UdupError, Unavailable
from udup.drivers.mysql.apply.errors import failure_of
from udup.drivers.mysql.client import limits
from udup.drivers.mysql.client.errors import MEANINGS, Meaning, describe, error_code, failure, is_transient, meaning


def _error(code: int) -> pymysql.err.MySQLError:
    return pymysql.err.OperationalError(code, "text")


@pytest.mark.parametrize("code", [1205, 1213, 1613, 1614, 1689, 3101])
def test_a_lock_that_was_not_to_be_had_is_worth_another_try_at_once(code: int) -> None:
    assert meaning(_error(code)) is Meaning.CONTENDED
    assert is_transient(_error(code))
    assert type(failure(_error(code), "applying u:1", Divergence)) is Contended
    assert type(failure_of(_error(code), "u:1", [], lambda: True)) is Contended


@pytest.mark.parametrize(
    "code",
    [
        *(1021, 1036, 1037, 1040, 1041, 1042, 1053, 1114, 1129, 1135, 1158, 1159, 1160, 1161, 1184, 1203, 1226),
        *(1317, 1836, 2002, 2003, 2006, 2013, 2055, 3032, 3169, 4031),
    ],
)
def test_a_server_that_is_out_of_order_is_worth_another_run(code: int) -> None:
    assert meaning(_error(code)) is Meaning.UNAVAILABLE
    assert type(failure(_error(code), "applying u:1", Divergence)) is Unavailable
    assert type(failure_of(_error(code), "u:1", [], lambda: True)) is Unavailable


@pytest.mark.parametrize("error", [pymysql.err.InterfaceError(0, ""), ConnectionResetError(104, "reset")])
def test_a_connection_that_is_gone_is_worth_another_run(error: Exception) -> None:
    assert type(failure(error, "asking", Divergence)) is Unavailable


@pytest.mark.parametrize(
    ("code", "text", "heals"),
    [
        (1030, "Got error 28 - 'No space left on device' from storage engine", True),
        (1026, "Error writing file 't.MYD' (errno: 28 - No space left on device)", True),
        (3, "Error writing file '/tmp/x' (OS errno 122 - Disk quota exceeded)", True),
        (1016, "Can't open file: 't.ibd' (errno: 24 - Too many open files)", True),
        (1005, "Can't create table 't' (errno: 28 \"No space left on device\")", True),
        (1030, "Got error 122 - 'Internal (unspecified) error in handler' from storage engine", False),
        (1005, "Can't create table 't' (errno: 122 - Internal (unspecified) error in handler)", False),
        (1180, "Got error 122 - 'Internal (unspecified) error in handler' during COMMIT", False),
        (1030, "Got error 122 - 'Disk quota exceeded' from storage engine", True),
        (1030, "Got error 168 - 'Unknown (generic) error from engine' from storage engine", False),
        (1005, "Can't create table 't' (errno: 150 - Foreign key constraint is incorrectly formed)", False),
        (1064, "syntax error 28", False),
    ],
)
def test_an_error_of_files_is_what_the_system_lacks(code: int, text: str, heals: bool) -> None:
    error = pymysql.err.OperationalError(code, text)
    assert failure(error, "").kind.heals == heals


@pytest.mark.parametrize("option", ["--read-only", "--super-read-only", "--innodb-read-only", "super_read_only"])
def test_a_server_that_is_read_only_is_waited_for(option: str) -> None:
    error = pymysql.err.OperationalError(1290, f"The MySQL server is running with the {option} option so it cannot …")
    assert type(failure(error, "", Divergence)) is Unavailable and "SET PERSIST read_only = OFF" in describe(error)


@pytest.mark.parametrize("option", ["--secure-file-priv", "--skip-grant-tables", "--skip-show-database"])
def test_another_option_that_stands_against_a_statement_is_a_limit(option: str) -> None:
    error = pymysql.err.OperationalError(1290, f"The MySQL server is running with the {option} option so it cannot …")
    told = failure(error, "running a statement", Divergence)
    assert type(told) is Refused and "start that server without the option" in told.faults[0].remedy
    assert "read_only" not in describe(error)


def test_an_answer_that_cannot_be_read_is_tried_again_a_bounded_number_of_times() -> None:
    assert type(failure(_error(2027), "asking", Divergence)) is Transient
    assert not failure(_error(2027), "asking").kind.heals


def test_a_transaction_that_group_replication_refuses_is_taken_alone_and_then_tried_a_bounded_number_of_times() -> None:
    large = [b"a" * (1 << 20)]
    assert type(failure_of(_error(3100), "u:1 to u:9", large, lambda: True, alone=False)) is Conflict
    for events in (large, []):  # of a part, or of what was kept, the size is not known
        told = failure_of(_error(3100), "u:1", events, lambda: True)
        assert type(told) is Transient and "group_replication_transaction_size_limit" in str(told)
        assert told.gtid == "u:1"
    assert type(failure_of(_error(3100), "u:1", [b"small"], lambda: True)) is Unavailable, "its size is no reason"
    assert type(failure(_error(3100), "writing the checkpoint", Divergence)) is Unavailable


def test_whether_another_run_has_the_job_is_not_known_on_a_lost_connection() -> None:
    def lost() -> bool:
        raise Unavailable("the connection was lost")

    with pytest.raises(Unavailable, match=r"u:1: error 1032: text.*the connection was lost"):
        failure_of(_error(1032), "u:1", [], lost)


@pytest.mark.parametrize("code", [1044, 1045, 1130, 1227, 3118, 3159, 1236, 1197])
def test_what_no_waiting_heals_fails(code: int) -> None:
    assert not failure(_error(code), "").kind.passes


def test_any_other_error_is_what_its_place_makes_of_it() -> None:
    assert meaning(_error(1064)) is None
    assert type(failure(_error(1064), "asking")) is UdupError
    assert type(failure(_error(1064), "asking", Divergence)) is Divergence
    assert str(failure(_error(1064), "asking h:1")) == "asking h:1: error 1064: text"
    assert str(failure(_error(1064), "")) == describe(_error(1064)) == "error 1064: text"
    assert error_code(ValueError()) == error_code(ValueError("text")) == 0


@pytest.mark.parametrize("code", [*limits.REMEDIES, *limits.DENIED])
def test_a_limit_or_a_privilege_is_no_divergence_and_says_what_lifts_it(code: int) -> None:
    [fault] = _refusal(failure(_error(code), "applying u:1", Divergence)).faults
    assert (fault.where, fault.problem) == ("applying u:1", f"error {code}: text") and fault.remedy
    [fault] = _refusal(failure_of(_error(code), "u:1", [], lambda: True, alone=True)).faults
    assert "nothing in the data" in fault.problem and fault.remedy.endswith("resume the job")
    assert code not in MEANINGS, "one number, one meaning"


def _refusal(error: UdupError) -> Refused:
    assert isinstance(error, Refused)
    return error


def test_a_limit_of_size_that_several_transactions_have_met_is_met_again_one_by_one() -> None:
    assert limits.REMEDIES.keys() > limits.OF_SIZE
    assert type(failure_of(_error(1197), "u:1 to u:9", [], lambda: True, alone=False)) is Conflict
    assert type(failure_of(_error(1436), "u:1 to u:9", [], lambda: True, alone=False)) is Refused


def test_a_privilege_that_the_server_names_is_named_in_the_grant() -> None:
    for listed, least in (
        ("SYSTEM_VARIABLES_ADMIN or SUPER", "SYSTEM_VARIABLES_ADMIN"),
        ("SUPER, BINLOG_ADMIN or REPLICATION_APPLIER", "REPLICATION_APPLIER"),
        ("SUPER, SYSTEM_VARIABLES_ADMIN or SESSION_VARIABLES_ADMIN", "SESSION_VARIABLES_ADMIN"),
        (
            "SUPER or SYSTEM_VARIABLES_ADMIN and TABLE_ENCRYPTION_ADMIN",
            "SYSTEM_VARIABLES_ADMIN, TABLE_ENCRYPTION_ADMIN",
        ),
        ("REPLICATION SLAVE", "REPLICATION SLAVE"),
        ("SUPER", "SUPER"),
    ):
        text = f"Access denied; you need (at least one of) the {listed} privilege(s) for this operation"
        assert limits.remedy(1227, text) == f"run there: GRANT {least} ON *.* TO the account of the job"
    text = "Access denied; you need (at least one of) the SYSTEM_VARIABLES_ADMIN or SUPER privilege(s) for this"
    assert "GRANT SYSTEM_VARIABLES_ADMIN ON *.* TO" in limits.remedy(1227, text)
    text = "INSERT command denied to user 'u'@'h' for table 'orders'"
    assert "GRANT INSERT ON" in limits.remedy(1142, text) and "orders" in limits.remedy(1142, text)
    assert "docs/jobs.md" in limits.remedy(1044, "Access denied for user 'u'@'h' to database 'd'")


def test_a_row_that_is_missing_is_a_conflict_or_another_run_has_the_job() -> None:
    assert type(failure_of(_error(1032), "u:1", [], lambda: False)) is Conflict
    assert type(failure_of(_error(1032), "u:1", [], lambda: True)) is Superseded
    assert type(failure_of(_error(1062), "u:1", [], lambda: True)) is Conflict
