-- topic: a table without any key: equal rows, NULLs, updates and deletes of some of them
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (a INT, b VARCHAR(20), c JSON);
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i % 5, NULLIF(CONCAT('x', i % 3), 'x1'), '{"a": 1}' FROM n;
-- then:
UPDATE t SET b = 'twice' WHERE a = 1 LIMIT 7;
DELETE FROM t WHERE a = 2 LIMIT 3;
INSERT INTO t SELECT * FROM t WHERE a = 3;
