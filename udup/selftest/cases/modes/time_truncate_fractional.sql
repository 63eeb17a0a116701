-- topic: TIME_TRUNCATE_FRACTIONAL cuts instead of rounding, in rows, defaults and ALTER
-- session: sql_mode = 'TIME_TRUNCATE_FRACTIONAL'
-- unfit: from mariadb, mysql-5.6: error 1231: Variable 'sql_mode' can't be set to the value of 'TIME_TRUNCATE_FRACTIONAL'
CREATE TABLE t (id INT PRIMARY KEY, a DATETIME(1) DEFAULT '2026-01-01 00:00:00.99', b TIME);
INSERT INTO t VALUES (1, '2026-01-01 23:59:59.99', '10:00:00.9');
-- then:
ALTER TABLE t ADD c DATETIME DEFAULT '2026-12-31 23:59:59.9';
INSERT INTO t (id, b) VALUES (2, '23:59:59.999');
ALTER TABLE t MODIFY a DATETIME;
