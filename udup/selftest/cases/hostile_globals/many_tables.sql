-- topic: more tables, columns, indexes, partitions and stored objects than a SELECT may return rows, with names alike at their beginning
DELIMITER //
CREATE PROCEDURE make_all (first INT, last INT)
BEGIN
  DECLARE n INT DEFAULT first;
  WHILE n <= last DO
    SET @sql = CONCAT('CREATE TABLE table_of_many_', n, ' (id INT PRIMARY KEY, column_one INT, column_two INT, column_three INT, column_four INT, KEY index_one (column_one), KEY index_two (column_two), KEY index_three (column_three, column_four), KEY index_four (column_four)) PARTITION BY HASH (id) PARTITIONS 5');
    PREPARE statement FROM @sql; EXECUTE statement;
    SET @sql = CONCAT('INSERT INTO table_of_many_', n, ' VALUES (1, 2, 3, 4, 5), (2, 3, 4, 5, 6), (3, 4, 5, 6, 7), (4, 5, 6, 7, 8), (5, 6, 7, 8, 9)');
    PREPARE statement FROM @sql; EXECUTE statement;
    SET @sql = CONCAT('CREATE VIEW view_of_many_', n, ' AS SELECT * FROM table_of_many_', n);
    PREPARE statement FROM @sql; EXECUTE statement;
    SET n = n + 1;
  END WHILE;
END//
DELIMITER ;
CALL make_all(1, 24);
CREATE FUNCTION function_of_many_1 (a INT) RETURNS INT DETERMINISTIC RETURN a + 1;
CREATE FUNCTION function_of_many_2 (a INT) RETURNS INT DETERMINISTIC RETURN a + 2;
CREATE FUNCTION function_of_many_3 (a INT) RETURNS INT DETERMINISTIC RETURN a + 3;
CREATE FUNCTION function_of_many_4 (a INT) RETURNS INT DETERMINISTIC RETURN a + 4;
CREATE FUNCTION function_of_many_5 (a INT) RETURNS INT DETERMINISTIC RETURN a + 5;
CREATE TRIGGER trigger_of_many_1 BEFORE INSERT ON table_of_many_1 FOR EACH ROW SET NEW.column_one = 1;
CREATE TRIGGER trigger_of_many_2 BEFORE INSERT ON table_of_many_2 FOR EACH ROW SET NEW.column_one = 2;
CREATE TRIGGER trigger_of_many_3 BEFORE INSERT ON table_of_many_3 FOR EACH ROW SET NEW.column_one = 3;
CREATE TRIGGER trigger_of_many_4 BEFORE INSERT ON table_of_many_4 FOR EACH ROW SET NEW.column_one = 4;
CREATE EVENT event_of_many_1 ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01' DO SELECT 1;
CREATE EVENT event_of_many_2 ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01' DO SELECT 2;
CREATE EVENT event_of_many_3 ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01' DO SELECT 3;
CREATE EVENT event_of_many_4 ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01' DO SELECT 4;
-- then:
CALL make_all(25, 30);
INSERT INTO table_of_many_4 VALUES (6, 7, 8, 9, 10);
ALTER TABLE table_of_many_24 ADD column_five INT DEFAULT 5, ADD KEY index_five (column_five);
UPDATE table_of_many_24 SET column_five = id;
