-- topic: HIGH_NOT_PRECEDENCE changes what an expression means
-- session: sql_mode = 'HIGH_NOT_PRECEDENCE'
-- unfit: from mysql-5.6: it has no generated columns
-- refused: from mariadb-11 to mariadb-10: does not log the values of stored generated columns
CREATE TABLE t (id INT PRIMARY KEY, a INT, g INT AS (NOT a BETWEEN -5 AND 5) STORED);
INSERT INTO t (id, a) VALUES (1, 10);
-- then:
ALTER TABLE t ADD h INT AS (NOT a BETWEEN -1 AND 1) VIRTUAL, ADD CHECK (NOT a BETWEEN 7 AND 9 OR a > -100);
CREATE VIEW v AS SELECT NOT a BETWEEN -5 AND 5 AS b FROM t;
INSERT INTO t (id, a) VALUES (2, 0);
