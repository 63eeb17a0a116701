-- topic: a procedure, a function, a table, a trigger and an event of the same name; replaced and dropped
CREATE TABLE same (id INT PRIMARY KEY);
CREATE PROCEDURE same() SELECT 1;
CREATE FUNCTION same() RETURNS INT NO SQL RETURN 1;
CREATE TRIGGER same BEFORE INSERT ON same FOR EACH ROW SET @x = 1;
CREATE EVENT same ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01 00:00:00' DO SELECT 1;
-- then:
DROP PROCEDURE same;
CREATE PROCEDURE same(INOUT a INT) SET a = 1;
DROP EVENT same;
DROP FUNCTION same;
INSERT INTO same VALUES (1);
