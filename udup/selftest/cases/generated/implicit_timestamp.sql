-- topic: TIMESTAMP columns under explicit_defaults_for_timestamp = OFF
-- session: explicit_defaults_for_timestamp = OFF, sql_mode = ''
-- unfit: from mysql-5.6: error 1238: Variable 'explicit_defaults_for_timestamp' is a read only variable
CREATE TABLE t (id INT PRIMARY KEY, a TIMESTAMP, b TIMESTAMP, c TIMESTAMP NULL);
INSERT INTO t (id) VALUES (1);
-- then:
CREATE TABLE later (id INT PRIMARY KEY, a TIMESTAMP, b TIMESTAMP(3), c TIMESTAMP DEFAULT 0);
INSERT INTO later (id) VALUES (1);
INSERT INTO t VALUES (2, NULL, NULL, NULL);
UPDATE t SET b = '2026-01-01 00:00:00' WHERE id = 1;
ALTER TABLE t ADD COLUMN d TIMESTAMP;
