-- topic: warnings are counted and read where the server keeps none, speaks German or says nothing of notes
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (id INT PRIMARY KEY, e ENUM('a', 'b') NOT NULL, n INT, d DATE, z DATETIME);
SET sql_mode = '';
INSERT INTO t WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 200) SELECT i, IF(i % 2, 'neither', 'b'), i, '0000-00-00', '2026-02-31 00:00:00' FROM n;
-- then:
INSERT INTO t VALUES (1000, '', NULL, '2026-00-01', '0000-00-00 00:00:00');
SET sql_mode = 'ALLOW_INVALID_DATES';
UPDATE t SET z = '2026-02-30 01:02:03' WHERE id < 10;
