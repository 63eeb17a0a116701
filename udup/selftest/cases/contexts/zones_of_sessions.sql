-- topic: values that depend on the time zone, written by sessions of other zones, some in one transaction with others
-- phase: incremental
-- unfit: from mariadb: it cannot read "(DATE_FORMAT(at, '%H:%i'))), CONSTRA"
-- unfit: from mysql-5.6: it has no generated columns
-- unfit: to mariadb: it has no time zone beyond +13:00, and the job says so
CREATE TABLE t (
  id INT PRIMARY KEY, at TIMESTAMP NULL, day DATE AS (DATE(at)) STORED, hour INT AS (HOUR(at)) VIRTUAL,
  KEY (hour), KEY minute ((DATE_FORMAT(at, '%H:%i'))), CONSTRAINT early CHECK (HOUR(at) < 12)
);
CREATE TABLE plain (id INT PRIMARY KEY, a INT);
-- then:
SET time_zone = '-05:00';
INSERT INTO t (id, at) VALUES (1, '2024-06-01 03:00:00');
INSERT INTO plain VALUES (1, 1);
-- connection: east
SET time_zone = '+13:45';
INSERT INTO t (id, at) VALUES (2, '2024-06-01 03:00:00');
INSERT INTO plain VALUES (2, 2);
-- connection: main
UPDATE t SET at = '2024-12-31 11:59:59' WHERE id = 1;
-- connection: east
BEGIN;
INSERT INTO plain VALUES (3, 3);
INSERT INTO t (id, at) VALUES (3, '2024-06-01 00:00:00');
DELETE FROM t WHERE id = 2;
COMMIT;
-- error: 3819
INSERT INTO t (id, at) VALUES (4, '2024-06-01 12:00:00');
-- connection: main
REPLACE INTO t (id, at) VALUES (3, '2024-06-01 05:00:00');
SET time_zone = DEFAULT;
INSERT INTO t (id, at) VALUES (5, '2024-06-01 03:00:00');
