-- topic: unique values that change places within a transaction, and between transactions at once
-- unfit: from mariadb-10, mysql-5.6: it has no collation utf8mb4_0900_ai_ci
CREATE TABLE t (id INT PRIMARY KEY, u INT, w VARCHAR(10) COLLATE utf8mb4_0900_ai_ci, UNIQUE KEY u (u), UNIQUE KEY w (w));
INSERT INTO t VALUES (1, 1, 'a'), (2, 2, 'b'), (3, 3, 'c'), (4, NULL, NULL), (5, NULL, NULL);
-- then:
BEGIN;
UPDATE t SET u = NULL, w = NULL WHERE id = 1;
UPDATE t SET u = 1, w = 'A' WHERE id = 2;
UPDATE t SET u = 2, w = 'B' WHERE id = 1;
COMMIT;
UPDATE t SET u = u + 10 ORDER BY u DESC;
DELETE FROM t WHERE id = 3;
INSERT INTO t VALUES (6, 13, 'C ');
REPLACE INTO t VALUES (7, 12, 'a'), (1, 99, 'z');
INSERT INTO t VALUES (7, 1, 'q') ON DUPLICATE KEY UPDATE u = u + 100, w = UPPER(w);
UPDATE t SET w = 'á' WHERE id = 7;
