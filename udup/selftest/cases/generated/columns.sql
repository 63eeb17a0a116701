-- topic: stored and virtual generated columns among others, of several types and charsets
-- refused: from mysql to mariadb: came to other values on the target
-- unfit: from mariadb: it cannot read "NOT NULL, b VARCHAR(10), v2 VARCHAR("
-- unfit: from mysql-5.6: it has no generated columns
CREATE TABLE t (a INT, v1 INT AS (a + 1) VIRTUAL, id INT PRIMARY KEY, s1 VARCHAR(50) CHARACTER SET latin1 AS (CONCAT('ä', id)) STORED NOT NULL, b VARCHAR(10), v2 VARCHAR(20) AS (UPPER(b)) VIRTUAL COMMENT 'upper', d DATE AS ('2026-01-01' + INTERVAL id DAY) STORED, s2 DECIMAL(20,5) GENERATED ALWAYS AS (a / 7) STORED UNIQUE, z INT DEFAULT 5);
INSERT INTO t (id, a, b) VALUES (1, 1, 'x'), (2, 2, NULL);
-- then:
INSERT INTO t (b, id, a) VALUES ('ü', 3, 3), ('''', 4, NULL);
UPDATE t SET a = a * 3, b = CONCAT(b, 'y'), id = id + 10 ORDER BY a DESC;
ALTER TABLE t ADD COLUMN v3 INT AS (v1 * 2) VIRTUAL AFTER v1, ADD KEY (v3);
DELETE FROM t WHERE a = 6;
