-- topic: updates that change nothing, the key alone, every column, by FULL images
-- session: binlog_row_image = 'FULL'
CREATE TABLE t (id INT PRIMARY KEY, a INT, b TEXT, UNIQUE KEY (a));
INSERT INTO t VALUES (1, 1, 'x'), (2, 2, NULL), (3, NULL, '');
-- then:
UPDATE t SET a = a, b = b;
UPDATE t SET id = id + 10;
UPDATE t SET id = 1, a = NULL, b = NULL WHERE id = 11;
UPDATE t SET id = 11 WHERE id = 12;
DELETE FROM t;
INSERT INTO t VALUES (1, 1, 'again');
