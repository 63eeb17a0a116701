-- topic: a generated column changes its expression, becomes an ordinary one and the reverse
-- unfit: from mysql-5.6: it has no generated columns
CREATE TABLE t (id INT PRIMARY KEY, a INT, g INT AS (a + 1) STORED, h INT AS (a + 2) VIRTUAL);
INSERT INTO t (id, a) VALUES (1, 1), (2, 2);
-- then:
ALTER TABLE t MODIFY g INT AS (a * 100) STORED;
ALTER TABLE t MODIFY g INT;
INSERT INTO t (id, a, g) VALUES (3, 3, 7);
ALTER TABLE t MODIFY h INT AS (a - 5) VIRTUAL, ADD COLUMN k INT AS (g + h) VIRTUAL;
UPDATE t SET a = 10;
ALTER TABLE t DROP COLUMN k, DROP COLUMN h;
INSERT INTO t VALUES (4, 4, 4);
