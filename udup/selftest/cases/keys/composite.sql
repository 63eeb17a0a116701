-- topic: a composite primary key of four types, cut into many chunks
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (a INT, b VARCHAR(20), c DATE, d DECIMAL(6,2), v INT, PRIMARY KEY (b, a, c, d), UNIQUE KEY u (v));
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT i % 7, CONCAT('k', i % 11), '2026-01-01' + INTERVAL i % 5 DAY, i / 8, i FROM n;
-- then:
UPDATE t SET v = v + 1000 WHERE a = 3;
UPDATE t SET b = 'moved' WHERE a = 5 AND c > '2026-01-02';
DELETE FROM t WHERE b = 'k3';
