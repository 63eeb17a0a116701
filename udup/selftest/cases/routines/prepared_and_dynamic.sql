-- topic: definitions made by prepared statements and within procedures
DELIMITER //
CREATE PROCEDURE make(IN n INT)
BEGIN
  SET @sql = CONCAT('CREATE TABLE made_', n, ' (id INT PRIMARY KEY, a VARCHAR(10) DEFAULT ''x'')');
  PREPARE s FROM @sql;
  EXECUTE s;
  DEALLOCATE PREPARE s;
END//
DELIMITER ;
-- then:
CALL make(1);
CALL make(2);
INSERT INTO made_1 (id) VALUES (1);
DELIMITER //
CREATE PROCEDURE ddl()
BEGIN
  CREATE TABLE inside (id INT PRIMARY KEY) COMMENT 'inside';
  ALTER TABLE inside ADD a INT;
  INSERT INTO inside VALUES (1, 1);
  DROP TABLE made_2;
END//
DELIMITER ;
CALL ddl();
