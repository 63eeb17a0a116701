-- topic: tagged GTIDs, an empty transaction, rows with annotated statements
-- session: binlog_rows_query_log_events = ON
-- unfit: from mariadb: it has no variable binlog_rows_query_log_events
-- unfit: from mysql-5.6: error 1231: Variable 'gtid_next' can't be set to the value of 'AUTOMATIC:conformance'
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20));
-- then:
SET gtid_next = 'AUTOMATIC:conformance';
INSERT INTO t VALUES (1, 'tagged');
CREATE TABLE u (id INT PRIMARY KEY);
SET gtid_next = 'AUTOMATIC';
INSERT INTO t VALUES (2, '/* ; */ -- x');
SET gtid_next = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:7';
BEGIN;
COMMIT;
SET gtid_next = 'AUTOMATIC';
INSERT INTO u VALUES (1);
