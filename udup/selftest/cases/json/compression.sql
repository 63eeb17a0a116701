-- topic: transactions that the source compresses
-- session: binlog_transaction_compression = ON
-- unfit: from mariadb, mysql-5.6: it has no variable binlog_transaction_compression
CREATE TABLE t (id INT PRIMARY KEY, j JSON, b LONGBLOB);
INSERT INTO t VALUES (1, '{"a": 1}', REPEAT('abc', 10000));
-- then:
BEGIN;
INSERT INTO t VALUES (2, '[1]', REPEAT('xyz', 500000));
UPDATE t SET j = '[]';
DELETE FROM t WHERE id = 1;
COMMIT;
INSERT INTO t SELECT id + 10, j, b FROM t;
CREATE TABLE c SELECT id, j FROM t;
