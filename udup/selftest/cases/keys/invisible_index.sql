-- topic: invisible indexes, one of them the only unique one without NULLs
-- unfit: from mariadb, mysql-5.6: it cannot read "INVISIBLE, KEY k (b) INVISIBLE)"
CREATE TABLE t (a INT NOT NULL, b INT, PRIMARY KEY (b), UNIQUE KEY u (a) INVISIBLE, KEY k (b) INVISIBLE);
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, i * 3 FROM n;
-- then:
ALTER TABLE t ALTER INDEX k VISIBLE, ALTER INDEX u INVISIBLE;
UPDATE t SET b = -b WHERE a > 90;
