-- topic: a view whose table is renamed, dropped and made again later on
-- phase: incremental
-- unfit: from mysql-5.6: it cannot read "COLUMN c TO d"
CREATE TABLE t (id INT PRIMARY KEY, a INT);
CREATE VIEW v AS SELECT * FROM t;
-- then:
RENAME TABLE t TO t2;
CREATE TABLE t (id INT PRIMARY KEY, a INT, c INT);
INSERT INTO t VALUES (1, 1, 1);
CREATE VIEW v2 AS SELECT t.* FROM t JOIN t2 USING (id);
ALTER TABLE t RENAME COLUMN c TO d;
RENAME TABLE v2 TO v3;
