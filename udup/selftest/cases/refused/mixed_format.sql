-- topic: rows logged as a statement by a session in MIXED format
-- phase: incremental
-- expect: refused set binlog_format=ROW
CREATE TABLE t (id INT PRIMARY KEY, a INT);
INSERT INTO t VALUES (1, 1);
-- then:
SET SESSION binlog_format = 'MIXED';
UPDATE t SET a = 2 WHERE id = 1;
