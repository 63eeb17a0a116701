-- topic: compressed columns, long and short values
-- unfit: from mysql: it has no compressed columns
CREATE TABLE t (id INT PRIMARY KEY, a TEXT COMPRESSED, b VARBINARY(5000) COMPRESSED, c VARCHAR(100) COMPRESSED);
INSERT INTO t VALUES (1, REPEAT('a', 5000), REPEAT(x'00ff', 2000), 'short'), (2, NULL, '', REPEAT('z', 100));
-- then:
INSERT INTO t VALUES (3, REPEAT('long ', 9000), 'x', '');
UPDATE t SET a = REPEAT('b', 7000), c = 'changed' WHERE id = 1;
DELETE FROM t WHERE id = 2;
