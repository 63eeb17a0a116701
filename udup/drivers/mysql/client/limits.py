"""Errors by which a server refuses work that is right: a limit, a setting, a privilege, damage. And what lifts each.

None of them says anything about the data, so none is a divergence; and none goes away by itself, so the job stops and
names what to run. A limit that only a group of several transactions has met is no reason to stop: see `failure_of`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_LOOK = "run there: SELECT * FROM performance_schema.error_log ORDER BY logged DESC LIMIT 20"

#: What to run on the server that says no.
REMEDIES: Mapping[int, str] = MappingProxyType(
    {
        1038: "run there: SET PERSIST sort_buffer_size = 16777216",
        1071: "run there: SET PERSIST innodb_default_row_format = 'DYNAMIC'; if that is so already, the server's"
        " innodb_page_size is smaller than the source's: make the target with the source's innodb_page_size",
        1118: "run there: SET PERSIST innodb_default_row_format = 'DYNAMIC'; if that is so already, give both servers"
        " the same innodb_page_size and innodb_strict_mode",
        1153: "run there: SET PERSIST max_allowed_packet = 1073741824",
        1194: "run there: REPAIR TABLE for the table that the error names",
        1195: "run there: REPAIR TABLE for the table that the error names",
        1197: "run there: SET PERSIST max_binlog_cache_size = 18446744073709547520",
        1206: "run there: SET PERSIST innodb_buffer_pool_size = 2 * @@innodb_buffer_pool_size",
        1290: "start that server without the option that the error names, or change that option's value",
        1301: "run there: SET PERSIST max_allowed_packet = 1073741824",
        1436: "run there: SET PERSIST_ONLY thread_stack = 2097152, then RESTART",
        1456: "run there: SET PERSIST max_sp_recursion_depth = 255",
        1598: f"{_LOOK}, and give its binary log room",
        1705: "run there: SET PERSIST max_binlog_stmt_cache_size = 18446744073709547520",
        1709: "run there: SET PERSIST innodb_default_row_format = 'DYNAMIC'",
        1712: "run there: CHECK TABLE for the table that the error names, and ALTER TABLE … FORCE if it is damaged",
        1877: "run there: CHECK TABLE for the table that the error names; if it is damaged, copy it with a new job",
        3098: "give the table a primary key on the source: ALTER TABLE … ADD PRIMARY KEY (…), or leave it out"
        " (ReplicateIgnoreDb) in a job with another ID",
        3121: "make that directory on the target's machine, writable for its mysqld; run SET PERSIST_ONLY"
        " innodb_directories = '/that/directory' there, then RESTART",
        3170: "run there: SET PERSIST parser_max_mem_size = 18446744073709551615, or GRANT CONNECTION_ADMIN ON *.* TO"
        " the account, which then lifts it for itself",
        3185: "set up a keyring component on the target, as the source has one",
        3750: "run there: SET PERSIST sql_require_primary_key = OFF",
        3828: "GRANT TABLE_ENCRYPTION_ADMIN ON *.* TO the account, or run there: SET PERSIST"
        " table_encryption_privilege_check = OFF",
    }
)

#: Limits that fewer transactions at a time may keep: a group that meets one is tried again transaction by transaction.
OF_SIZE = frozenset({1153, 1197, 1206, 1301, 1705, 3170})

#: Privileges that the account has not, or not any more.
DENIED = frozenset({1044, 1142, 1143, 1227, 1370, 3879})

#: "you need (at least one of) the SUPER, SYSTEM_VARIABLES_ADMIN or SESSION_VARIABLES_ADMIN privilege(s)".
_PRIVILEGES = re.compile(r"at least one of\) the (.+?) privilege")
#: "INSERT command denied to user 'u'@'h' for table 't'".
_COMMAND = re.compile(r"^([A-Z ,]+) command denied to user .* for (?:table|column .* in table) '([^']+)'")


def remedy(code: int, text: str) -> str:
    """Return what lifts a refusal of this kind, "" if the number is of no such kind."""
    if code not in DENIED:
        return REMEDIES.get(code, "")
    if named := _PRIVILEGES.search(text):
        return f"run there: GRANT {_least(named[1])} ON *.* TO the account of the job"
    if named := _COMMAND.search(text):
        return f"run there: GRANT {named[1]} ON … TO the account of the job, for {named[2]} or for its schema"
    return "grant it to the account of the job: docs/jobs.md has the whole list as GRANT statements to paste"


def _least(listed: str) -> str:
    """Return the privilege that allows the least, of those of which one is enough: the server names it last."""
    names = [each.strip() for each in re.split(r",|\bor\b", listed)]
    return next((each for each in reversed(names) if each not in ("", "SUPER")), "SUPER").replace(" and ", ", ")


def is_limit(code: int) -> bool:
    """Return whether a server refuses with this number what is right."""
    return code in REMEDIES or code in DENIED
