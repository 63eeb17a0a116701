-- topic: keys with so many equal leading parts that a chunk ends within them
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (a INT, b INT, c INT, d VARCHAR(10), PRIMARY KEY (a, b, c));
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) SELECT 1, i DIV 150, i, 'x' FROM n;
-- then:
UPDATE t SET d = 'y' WHERE b = 1;
DELETE FROM t WHERE b = 2 AND c % 2 = 0;
