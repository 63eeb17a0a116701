-- topic: procedures with every characteristic, cursors, handlers, loops; called while the job runs
-- unfit: from mariadb-10.5, mysql-5.6: it cannot read "SKIP LOCKED; /* a block; comment */"
-- refused: to mariadb-10.5: SKIP LOCKED
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(50));
DELIMITER //
CREATE PROCEDURE fill(IN n INT, OUT done INT, INOUT x VARCHAR(10) CHARACTER SET latin1) COMMENT 'it''s; a comment' LANGUAGE SQL NOT DETERMINISTIC MODIFIES SQL DATA SQL SECURITY INVOKER
BEGIN
  DECLARE i INT DEFAULT 0;
  DECLARE CONTINUE HANDLER FOR SQLEXCEPTION BEGIN END; -- a comment; with a mark
  WHILE i < n DO
    INSERT INTO t VALUES (i, CONCAT('row "', i, '"'));
    SET i = i + 1;
  END WHILE;
  SET done = i;
END//
DELIMITER ;
CALL fill(3, @done, @done);
-- then:
CALL fill(6, @done, @done);
DELIMITER $$
CREATE DEFINER=`someone`@`%` PROCEDURE `odd ``name`()
label: BEGIN
  DECLARE c CURSOR FOR SELECT id FROM t FOR UPDATE SKIP LOCKED;
  /* a block; comment */
  IF (SELECT COUNT(*) FROM t) > 3 THEN LEAVE label; END IF;
  SELECT 1 INTO @x FROM t LIMIT 1;
END label$$
ALTER PROCEDURE fill COMMENT 'new' SQL SECURITY DEFINER$$
DELIMITER ;
CREATE PROCEDURE gone() SELECT 1;
DROP PROCEDURE gone;
