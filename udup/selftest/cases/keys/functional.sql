-- topic: functional indexes, plain, unique and in a mix, and one on JSON
-- unfit: from mariadb: it cannot read "(a + 1)), UNIQUE KEY g ((LOWER(b)),"
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY, a INT, b VARCHAR(30), j JSON, KEY f ((a + 1)), UNIQUE KEY g ((LOWER(b)), a), KEY m (b, (ABS(a)) DESC), KEY x ((CAST(j->>'$.n' AS SIGNED))));
INSERT INTO t VALUES (1, 1, 'A', '{"n": 1}'), (2, -2, 'b', '{"n": 2}'), (3, NULL, NULL, NULL);
-- then:
UPDATE t SET b = 'C', a = -a WHERE id < 3;
CREATE INDEX later ON t ((a * 2), (CONCAT(b, 'x')));
INSERT INTO t VALUES (4, 5, 'D', '{"n": 44}');
DROP INDEX f ON t;
