-- topic: generated columns whose values a session's settings decide
-- refused: from mysql to mariadb: came to other values on the target
-- unfit: from mariadb: error 1901: Function or expression 'week()' cannot be used in the GENERATED ALWAYS AS clause
-- unfit: from mysql-5.6: it has no generated columns
CREATE TABLE t (id INT PRIMARY KEY, a INT, d DATE, third DECIMAL(20, 12) AS (a / 3) STORED, week INT AS (WEEK(d)) STORED, pad VARCHAR(20) AS (CONCAT(CAST(a AS CHAR(8)), '|')) STORED);
INSERT INTO t (id, a, d) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 90) SELECT i, i, DATE('2026-01-01') + INTERVAL i * 9 DAY FROM n;
-- then:
INSERT INTO t (id, a, d) VALUES (1000, 1, '2027-01-01');
UPDATE t SET a = a + 1, d = d + INTERVAL 1 DAY WHERE id % 2;
ALTER TABLE t ADD half DOUBLE AS (a / 7) STORED;
INSERT INTO t (id, a, d) VALUES (1001, 5, '2028-12-31');
