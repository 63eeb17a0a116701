-- topic: rows and lists longer than group_concat_max_len, tmp_table_size, sort and join buffers
-- counters: free
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a MEDIUMTEXT, b JSON);
INSERT INTO t (a, b) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 120) SELECT REPEAT(CHAR(64 + i % 60), i * 100), JSON_OBJECT('i', i, 'd', CAST('2026-01-01' AS DATE)) FROM n;
INSERT INTO t (a) VALUES (REPEAT('x', 3000000));
-- then:
INSERT INTO t (a, b) SELECT a, b FROM t WHERE id < 50;
ALTER TABLE t ADD KEY (a(700));
DELETE FROM t WHERE id = 3;
