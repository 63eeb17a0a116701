-- topic: two sessions at once: rows of the same tables, commits in another order than the changes
CREATE TABLE t (id INT PRIMARY KEY, a INT);
INSERT INTO t VALUES (1, 0), (2, 0), (3, 0);
-- then:
BEGIN;
UPDATE t SET a = 1 WHERE id = 1;
-- connection: other
BEGIN;
UPDATE t SET a = 2 WHERE id = 2;
INSERT INTO t VALUES (20, 2);
-- connection: main
INSERT INTO t VALUES (10, 1);
-- connection: other
COMMIT;
-- connection: main
UPDATE t SET a = 22 WHERE id = 20;
COMMIT;
-- connection: other
DELETE FROM t WHERE id = 1;
