-- topic: members added at the end, in the middle, reordered; SET grows from one byte to two
CREATE TABLE t (id INT PRIMARY KEY, e ENUM('a', 'b'), s SET('1','2','3','4','5','6','7','8'));
INSERT INTO t VALUES (1, 'a', '1,8'), (2, 'b', '');
-- then:
ALTER TABLE t MODIFY e ENUM('a', 'b', 'c');
INSERT INTO t VALUES (3, 'c', '2');
ALTER TABLE t MODIFY e ENUM('c', 'x', 'b', 'a'), MODIFY s SET('1','2','3','4','5','6','7','8','9');
INSERT INTO t VALUES (4, 'x', '9,1');
UPDATE t SET e = 'x' WHERE e = 'a';
