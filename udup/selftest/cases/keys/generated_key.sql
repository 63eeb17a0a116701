-- topic: a primary key on a stored generated column, a unique key on a virtual one
-- unfit: from mariadb: it cannot read "NOT NULL PRIMARY KEY, u VARCHAR(30)"
-- unfit: from mysql-5.6: it has no generated columns
-- refused: to mariadb: it is generated and a primary key
CREATE TABLE t (a INT NOT NULL, b VARCHAR(20), k BIGINT AS (a * 10) STORED NOT NULL PRIMARY KEY, u VARCHAR(30) AS (CONCAT(b, a)) VIRTUAL, UNIQUE KEY u (u));
INSERT INTO t (a, b) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150) SELECT i, CONCAT('x', i) FROM n;
-- then:
UPDATE t SET a = a + 1000 WHERE a % 3 = 0;
UPDATE t SET b = NULL WHERE a % 5 = 0;
DELETE FROM t WHERE k < 100;
