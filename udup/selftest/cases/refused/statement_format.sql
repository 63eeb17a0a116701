-- topic: rows logged as a statement
-- phase: incremental
-- expect: refused binlog_format=ROW
CREATE TABLE t (id INT PRIMARY KEY, a INT);
-- then:
SET SESSION binlog_format = 'STATEMENT';
INSERT INTO t VALUES (1, 1);
