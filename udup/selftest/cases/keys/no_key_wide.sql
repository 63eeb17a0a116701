-- topic: a table without a key, with BLOBs, floats and NULLs, in which rows are found by all their columns
-- session: binlog_row_image = 'FULL'
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (a FLOAT, b DOUBLE, c BLOB, d TEXT, e DATETIME(6), f JSON, g BIT(10), h SET('a', 'b'));
INSERT INTO t VALUES (0.1, 0.1, 'blob', 'text', '2026-01-01 00:00:00.000001', '{"a": [1, 2.5]}', 5, 'a,b'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL), (-0e0, -0e0, '', '', NULL, '[]', 0, '');
-- then:
UPDATE t SET d = 'found' WHERE c = 'blob';
DELETE FROM t WHERE a IS NULL;
INSERT INTO t SELECT * FROM t;
DELETE FROM t WHERE d = 'found' LIMIT 1;
