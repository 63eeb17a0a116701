-- topic: definitions and rows of sessions whose literals are UTF-16, UCS-2 or UTF-32
-- unfit: from mariadb-10: error 1525: Incorrect STARTS value: ''
-- unfit: from mysql-5.6: it has no generated columns
-- unfit: to mariadb-10: it reads no STARTS of an event where the connection's set is utf16, and the job says so
SET collation_connection = 'ucs2_unicode_ci';
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) DEFAULT 'ä' COMMENT 'é', n INT AS (id + 1) STORED);
INSERT INTO t (id) VALUES (1);
SET collation_connection = 'utf16_bin';
CREATE VIEW v AS SELECT id, 'ж' AS x FROM t;
CREATE PROCEDURE p() SELECT 'ж';
-- then:
SET collation_connection = 'utf16le_general_ci';
ALTER TABLE t ADD COLUMN b VARCHAR(20) DEFAULT 'б', ADD KEY (b);
CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW SET NEW.b = 'ю';
INSERT INTO t (id, a) VALUES (2, 'zü');
SET collation_connection = 'utf32_bin';
CREATE TABLE s (id INT PRIMARY KEY) AS SELECT id, 'w' AS w FROM t;
UPDATE t SET a = 'я' WHERE id = 1;
CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2050-01-01 00:00:00' COMMENT 'ы' DO INSERT INTO t (id) VALUES (9);
ALTER EVENT e COMMENT 'ь';
RENAME TABLE s TO s2;
DROP VIEW v;
