-- topic: TIMESTAMP at both ends in sessions of several time zones, in the hour that summer time has twice
-- session: time_zone = '+00:00'
-- unfit: from mariadb, mysql-5.6: error 1298: Unknown or incorrect time zone: '+13:59'
CREATE TABLE t (id INT PRIMARY KEY, a TIMESTAMP NULL, b TIMESTAMP(6) NULL, c TIMESTAMP(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3));
INSERT INTO t VALUES (1, '1970-01-01 00:00:01', '2038-01-19 03:14:07.999999', '2026-06-01 12:00:00.5');
-- then:
INSERT INTO t (id, a, b) VALUES (2, '2026-03-29 01:30:00', '2026-10-25 00:30:00.123456');
SET time_zone = '+13:59';
INSERT INTO t VALUES (3, '2026-03-29 02:30:00', '2026-10-25 02:30:00.1', NOW(3));
SET time_zone = '-13:59';
INSERT INTO t (id, a) VALUES (4, '2026-10-25 02:30:00');
UPDATE t SET a = a + INTERVAL 1 HOUR WHERE id = 2;
