-- topic: row images MINIMAL and NOBLOB in turn
-- session: binlog_row_image = 'MINIMAL'
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY, a INT, b BLOB, c TEXT, d JSON, u INT UNIQUE);
INSERT INTO t VALUES (1, 1, 'b', 'c', '{}', 1), (2, NULL, NULL, NULL, NULL, 2), (3, 3, '', '', '[]', NULL);
-- then:
UPDATE t SET a = 7 WHERE id = 1;
DELETE FROM t WHERE id = 2;
SET binlog_row_image = 'NOBLOB';
UPDATE t SET a = a + 1;
UPDATE t SET b = 'new', d = '{"x": 1}' WHERE id = 3;
DELETE FROM t WHERE a = 8;
INSERT INTO t (id) VALUES (9);
