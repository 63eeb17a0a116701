-- topic: rows that an UPDATE moves into a filter, out of it, and about within it
-- where: t n >= 10 AND NOT (region <=> 'us')
CREATE TABLE t (id INT PRIMARY KEY, n INT, region VARCHAR(10), note TEXT);
INSERT INTO t VALUES (1, 10, 'eu', 'a'), (2, 5, 'eu', 'b'), (3, NULL, 'eu', 'c'), (4, 20, 'us', 'd'), (5, 30, NULL, NULL);
-- then:
UPDATE t SET n = 15 - n;
UPDATE t SET n = n + 10 WHERE id <> 4;
UPDATE t SET region = IF(region = 'us', 'eu', 'us') WHERE id IN (1, 4);
UPDATE t SET region = NULL, note = REPEAT('x', 100) WHERE id = 2;
DELETE FROM t WHERE id IN (3, 5);
INSERT INTO t VALUES (6, 9, 'eu', 'x'), (7, 10, 'eu', 'y'), (8, 11, 'US', 'z');
INSERT INTO t VALUES (7, 1, 'eu', 'q') ON DUPLICATE KEY UPDATE n = VALUES(n);
REPLACE INTO t VALUES (2, 40, 'eu', 'r'), (7, 50, 'eu', 's');
