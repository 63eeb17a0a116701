-- topic: generated columns, indexes on expressions and CHECK that depend on the time zone, in sessions of the server's own zone
-- refused: to mariadb: cannot be used in the GENERATED ALWAYS AS clause
-- unfit: from mariadb: error 1901: Function or expression 'from_unixtime()' cannot be used in the GENERATED ALWAYS
-- unfit: from mysql-5.6: it has no generated columns
CREATE TABLE t (
  id INT PRIMARY KEY AUTO_INCREMENT, at TIMESTAMP(3) NULL, seconds BIGINT,
  day DATE AS (DATE(at)) STORED, hour INT AS (HOUR(at)) VIRTUAL, local DATETIME AS (FROM_UNIXTIME(seconds)) STORED,
  KEY (hour), KEY minute ((DATE_FORMAT(at, '%H:%i'))), UNIQUE KEY (day, id), CHECK (HOUR(at) BETWEEN 0 AND 20)
);
INSERT INTO t (at, seconds) VALUES ('2024-06-01 00:30:00.5', 0), ('2024-02-29 20:59:59.999', 1717200000), (NULL, NULL), ('1970-01-01 05:30:01.001', 86399), ('2038-01-19 08:44:07.999', 2147483647);
CREATE TABLE keyless LIKE t;
ALTER TABLE keyless MODIFY id INT, DROP PRIMARY KEY, DROP KEY day;
INSERT INTO keyless (id, at, seconds) SELECT id, at, seconds FROM t UNION ALL SELECT id, at, seconds FROM t;
-- then:
INSERT INTO t (at, seconds) VALUES ('2024-12-31 00:00:00', 1735600000);
UPDATE t SET at = '2024-01-01 05:29:59' WHERE id = 2;
DELETE FROM keyless WHERE hour = 0 LIMIT 1;
-- error: 3819
INSERT INTO t (at) VALUES ('2024-06-01 21:00:00');
