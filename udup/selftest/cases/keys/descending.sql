-- topic: descending and mixed indexes, and a descending primary key in many chunks
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (a INT, b VARCHAR(10), c INT, PRIMARY KEY (a DESC, b ASC), KEY x (c DESC, b), KEY y (b DESC, a DESC));
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250) SELECT i DIV 4, CONCAT('v', i % 4), i FROM n;
-- then:
UPDATE t SET c = -c WHERE a % 2 = 0;
DELETE FROM t WHERE a > 55;
