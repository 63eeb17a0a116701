-- topic: the same row changed in many transactions at once by two sessions, with savepoints and locks
CREATE TABLE t (id INT PRIMARY KEY, n INT);
INSERT INTO t VALUES (1, 0), (2, 0);
-- then:
UPDATE t SET n = n + 1 WHERE id = 1;
-- connection: b
UPDATE t SET n = n + 10 WHERE id = 1;
-- connection: main
BEGIN;
SELECT * FROM t WHERE id = 2 FOR UPDATE;
SAVEPOINT s;
UPDATE t SET n = 5 WHERE id = 2;
ROLLBACK TO s;
-- connection: b
UPDATE t SET n = n + 100 WHERE id = 1;
-- connection: main
UPDATE t SET n = n + 1000;
COMMIT;
-- connection: b
DELETE FROM t WHERE id = 2;
INSERT INTO t VALUES (2, 7);
