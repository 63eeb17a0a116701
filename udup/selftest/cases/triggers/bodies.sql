-- topic: trigger bodies with blocks, quotes, comments, SIGNAL, other sql_mode and character set
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(50));
DELIMITER //
CREATE TRIGGER `odd ``name` BEFORE INSERT ON t FOR EACH ROW
BEGIN
  -- a comment; with 'quotes
  IF NEW.id < 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no; "negative"'; END IF;
  SET NEW.a = CONCAT(NEW.a, '//ä');
END//
DELIMITER ;
-- then:
-- error: 1644
INSERT INTO t VALUES (-1, 'x');
INSERT INTO t VALUES (1, 'x');
SET NAMES latin1;
SET sql_mode = 'ANSI_QUOTES';
CREATE TRIGGER "q u" AFTER UPDATE ON t FOR EACH ROW SET @x = 'äöü';
UPDATE t SET a = 'y';
ALTER TABLE t ADD b INT;
RENAME TABLE t TO t2;
INSERT INTO t2 VALUES (2, 'z', 2);
DROP TABLE t2;
