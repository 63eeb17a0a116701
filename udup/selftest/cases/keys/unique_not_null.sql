-- topic: no primary key but unique keys without NULLs, one of which serves for chunks
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (a INT NOT NULL, b VARCHAR(20) NOT NULL, c INT, UNIQUE KEY wide (b, a), UNIQUE KEY narrow (a));
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i * 3, CONCAT('k', 1000 - i), i FROM n;
-- then:
UPDATE t SET a = a + 1, c = NULL WHERE c % 4 = 0;
DELETE FROM t WHERE b > 'k95';
