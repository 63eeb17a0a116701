-- topic: a transaction of several MB in many rows, updates and deletes of all
-- session: cte_max_recursion_depth = 100000
-- unfit: from mariadb, mysql-5.6: it has no variable cte_max_recursion_depth
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(200));
-- then:
BEGIN;
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000) SELECT i, REPEAT('x', i % 200) FROM n;
UPDATE t SET a = CONCAT(a, 'y') WHERE id % 2;
DELETE FROM t WHERE id % 3 = 0;
COMMIT;
UPDATE t SET id = -id WHERE id % 5 = 0;
