-- topic: definitions of a table with a filter that do not concern it
-- phase: incremental
-- where: t n > 1
-- where: whole true
-- unfit: from mysql-5.6: it cannot read "COLUMN a TO c, MODIFY b VARCHAR(20),"
CREATE TABLE t (id INT PRIMARY KEY, n INT, a INT);
CREATE TABLE whole (id INT PRIMARY KEY, n INT);
INSERT INTO t VALUES (1, 1, 1), (2, 2, 2);
INSERT INTO whole VALUES (1, 1), (2, 2);
-- then:
ALTER TABLE t ADD COLUMN b VARCHAR(5) DEFAULT 'x' FIRST, ADD INDEX (n);
UPDATE t SET n = 3 - n;
ALTER TABLE t RENAME COLUMN a TO c, MODIFY b VARCHAR(20), ADD COLUMN g INT AS (n * 2) STORED;
UPDATE t JOIN whole USING (id) SET t.n = t.n + 1, whole.n = whole.n + 1;
INSERT INTO t (id, n) VALUES (3, 1), (4, 5);
TRUNCATE TABLE whole;
INSERT INTO t (id, n) VALUES (5, 6);
