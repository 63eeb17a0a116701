-- topic: IGNORE_SPACE: functions with a space before the parenthesis
-- session: sql_mode = 'IGNORE_SPACE'
-- unfit: from mysql-5.6: it has no generated columns
-- refused: from mariadb-11 to mariadb-10: does not log the values of stored generated columns
CREATE TABLE t (id INT PRIMARY KEY, g BIGINT AS (ABS (id)) STORED);
-- then:
CREATE TABLE u (id INT, n VARCHAR(10) DEFAULT (CONCAT ('a', 'b')));
CREATE VIEW v AS SELECT COUNT (*) AS c FROM t;
INSERT INTO t (id) VALUES (-1);
INSERT INTO u (id) VALUES (1);
