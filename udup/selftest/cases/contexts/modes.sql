-- topic: values that a strict session would not have taken, and whose columns only warn
-- refused: from mariadb to mysql: came to other values on the target
-- refused: from mysql to mariadb: came to other values on the target
-- unfit: from mysql-5.6: it has no generated columns
-- refused: from mariadb-11 to mariadb-10: does not log the values of stored generated columns
CREATE TABLE dates (id INT PRIMARY KEY, s VARCHAR(20), d DATE AS (STR_TO_DATE(s, '%Y-%m-%d')) STORED, UNIQUE KEY (d));
INSERT IGNORE INTO dates (id, s) VALUES (1, '2024-02-30'), (2, '2024-02-30'), (3, '2024-02-29'), (4, 'nothing');
CREATE TABLE meta (id INT PRIMARY KEY, meta_value LONGTEXT, n INT AS (CAST(meta_value AS SIGNED)) STORED, KEY (n));
SET sql_mode = '';
INSERT INTO meta (id, meta_value) VALUES (1, 'abc'), (2, '12 apples'), (3, ''), (4, NULL), (5, '-7');
CREATE TABLE odd (id INT, d DATE, at DATETIME, n INT AS (id * 2) STORED, s VARCHAR(20) AS (CONCAT(id, '-')) VIRTUAL, KEY (s));
SET sql_mode = 'ALLOW_INVALID_DATES';
INSERT INTO odd (id, d, at) VALUES (1, '0000-00-00', '2024-02-31 10:00:00'), (2, '2024-00-10', NULL), (3, NULL, '0000-00-00'), (3, '2024-05-05', '9999-12-31 23:59:59');
-- then:
SET sql_mode = DEFAULT;
INSERT IGNORE INTO dates (id, s) VALUES (5, '2024-06-31'), (6, '2024-06-31');
UPDATE IGNORE dates SET s = '2023-02-29' WHERE id = 3;
SET sql_mode = '';
INSERT INTO meta (id, meta_value) VALUES (6, '9 lives');
UPDATE meta SET meta_value = CONCAT(meta_value, 'x');
DELETE FROM odd WHERE id = 3;
