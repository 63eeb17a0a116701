-- topic: functions of all kinds, used in rows and in generated defaults of other sessions' sql_mode
-- session: sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT,NO_BACKSLASH_ESCAPES'
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(50));
CREATE FUNCTION f(a VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin) RETURNS VARCHAR(40) CHARACTER SET latin1 DETERMINISTIC NO SQL RETURN a || '\' || "a";
INSERT INTO t VALUES (1, f('x'));
-- then:
DELIMITER //
CREATE FUNCTION counts() RETURNS BIGINT UNSIGNED READS SQL DATA COMMENT 'counts'
BEGIN
  DECLARE n BIGINT UNSIGNED;
  SELECT COUNT(*) INTO n FROM t;
  RETURN n;
END//
DELIMITER ;
INSERT INTO t VALUES (2, counts());
ALTER FUNCTION f COMMENT 'again';
SET sql_mode = '';
CREATE FUNCTION e(a ENUM('x', 'y'), b SET('1', '2'), c DECIMAL(10,3), d JSON) RETURNS JSON DETERMINISTIC RETURN JSON_ARRAY(a, b, c, d);
DROP FUNCTION f;
