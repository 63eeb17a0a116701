-- topic: primary keys over the first bytes of TEXT and BLOB, which cannot name a row exactly
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (k TEXT NOT NULL, b BLOB NOT NULL, v INT, PRIMARY KEY (k(10), b(4)));
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT CONCAT(i, ' and a long tail'), REPEAT(CHAR(i), 6), i FROM n;
-- then:
UPDATE t SET v = v + 1 WHERE k LIKE '1%';
DELETE FROM t WHERE k LIKE '2%';
