-- topic: columns of equal types that change places, names swapped, added in front
CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, c INT);
INSERT INTO t VALUES (1, 10, 20, 30);
-- then:
ALTER TABLE t MODIFY c INT AFTER id;
INSERT INTO t VALUES (2, 1, 2, 3);
ALTER TABLE t CHANGE a x INT AFTER c, CHANGE b a INT FIRST;
INSERT INTO t VALUES (1, 3, 2, 3);
UPDATE t SET x = 77 WHERE id = 1;
