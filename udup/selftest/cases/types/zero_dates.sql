-- topic: zero dates, dates with zero parts and dates that do not exist, as a session without strict mode writes them
-- session: sql_mode = 'ALLOW_INVALID_DATES'
CREATE TABLE t (id INT PRIMARY KEY, d DATE, e DATETIME, f DATETIME(6), g TIMESTAMP NULL, y YEAR);
INSERT INTO t VALUES (1, '0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', 0);
-- then:
INSERT INTO t VALUES (2, '2026-00-00', '2026-02-00 10:00:00', '2026-00-05 10:11:12.999999', '2026-01-01 00:00:01', 1901),
  (3, '2026-02-31', '2026-02-31 23:59:59', '2025-02-29 00:00:00.1', NULL, 2155), (4, '0000-01-01', '0000-01-01 00:00:00', '0001-01-01', NULL, '0');
UPDATE t SET d = '0000-00-00', e = '2026-04-31' WHERE id = 3;
DELETE FROM t WHERE d = '0000-00-00' AND id = 1;
