-- topic: unique keys with NULLs and no primary key; rows that differ in NULLs alone
CREATE TABLE t (a INT, b VARCHAR(10), c INT NOT NULL, UNIQUE KEY u (a, b), KEY k (c));
INSERT INTO t VALUES (1, 'x', 1), (NULL, 'x', 2), (NULL, 'x', 2), (1, NULL, 3), (1, NULL, 3), (NULL, NULL, 4), (NULL, NULL, 4);
-- then:
UPDATE t SET c = 9 WHERE a IS NULL AND b = 'x' LIMIT 1;
DELETE FROM t WHERE a IS NULL AND b IS NULL LIMIT 1;
INSERT INTO t VALUES (NULL, NULL, 4), (2, 'x', 5);
UPDATE t SET a = 7 WHERE a = 1 AND b IS NULL LIMIT 1;
