-- topic: invisible columns at both ends and in the middle, in inserts by position
-- unfit: from mysql-5.6: it cannot read "INVISIBLE DEFAULT 1, id INT PRIMARY"
CREATE TABLE t (h1 INT INVISIBLE DEFAULT 1, id INT PRIMARY KEY, h2 VARCHAR(10) INVISIBLE, v INT, h3 JSON INVISIBLE);
INSERT INTO t VALUES (1, 10), (2, 20);
-- then:
INSERT INTO t (id, v, h1, h2, h3) VALUES (3, 30, 3, 'x', '{}');
INSERT INTO t VALUES (4, 40);
ALTER TABLE t ADD COLUMN h4 INT INVISIBLE FIRST;
UPDATE t SET h4 = id, h2 = 'u' WHERE v > 10;
