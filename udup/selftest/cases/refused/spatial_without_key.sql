-- topic: a row looked for in a table that has no key but a spatial one: MySQL itself finds none
-- unfit: from mysql-5.6: it has no SRID of a column
-- unfit: from mariadb: it has no SRID of a column in this form
-- refused: to mariadb: DROP INDEX `p`
-- phase: incremental
-- expect: refused ALTER INDEX `p` INVISIBLE
CREATE TABLE t (id INT, p POINT NOT NULL SRID 0, SPATIAL KEY p (p));
INSERT INTO t VALUES (1, POINT(1, 1)), (2, POINT(2, 2));
-- then:
DELETE FROM t WHERE id = 2;
