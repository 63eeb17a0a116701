-- topic: sixty tables made in a row, then renamed, altered and dropped
DELIMITER //
CREATE PROCEDURE many(IN what VARCHAR(200), IN n INT)
BEGIN
  WHILE n > 0 DO
    SET @sql = REPLACE(what, '#', n);
    PREPARE s FROM @sql;
    EXECUTE s;
    SET n = n - 1;
  END WHILE;
END//
DELIMITER ;
CALL many('CREATE TABLE t# (id INT PRIMARY KEY, a VARCHAR(10))', 30);
CALL many('INSERT INTO t# VALUES (#, ''x'')', 30);
-- then:
CALL many('INSERT INTO t# VALUES (1000, ''later'')', 30);
CALL many('ALTER TABLE t# ADD b INT DEFAULT #', 5);
CALL many('DROP TABLE t#', 3);
