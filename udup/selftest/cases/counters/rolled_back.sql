-- topic: a counter that rolled back inserts have moved is behind on the target, never ahead
-- counters: free
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT UNIQUE);
-- then:
BEGIN;
INSERT INTO t (a) VALUES (1), (2);
ROLLBACK;
INSERT INTO t (a) VALUES (1);
INSERT IGNORE INTO t (a) VALUES (1), (2), (1), (3);
INSERT INTO t (a) VALUES (3), (4) ON DUPLICATE KEY UPDATE a = a + 10;
