-- topic: rows that give their keys to each other while they move in and out; a table without a key
-- where: t n > 0
-- where: keyless a BETWEEN 2 AND 5
CREATE TABLE t (id INT PRIMARY KEY, n INT, u INT UNIQUE);
CREATE TABLE keyless (a INT, b VARCHAR(5));
INSERT INTO t VALUES (1, 1, 10), (2, -1, 20), (3, 1, 30), (4, -1, 40);
INSERT INTO keyless VALUES (1, 'x'), (2, 'x'), (2, 'x'), (5, NULL), (6, 'x');
-- then:
UPDATE t SET n = -n, id = id + 10 ORDER BY id DESC;
UPDATE t SET id = id - 11, n = n * -1 WHERE id > 11 ORDER BY id;
UPDATE t SET u = u + 10 ORDER BY u DESC;
UPDATE keyless SET a = a + 1;
UPDATE keyless SET b = 'y' WHERE a = 3 LIMIT 1;
DELETE FROM keyless WHERE a = 3 LIMIT 1;
