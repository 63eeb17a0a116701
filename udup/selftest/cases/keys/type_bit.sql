-- topic: a primary key of type bit, with enough rows for several chunks
-- session: sql_mode = '', time_zone = '+00:00'
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (k BIT(64) NOT NULL, v INT, w VARCHAR(20), PRIMARY KEY (k));
CREATE TABLE d (k BIT(64) NOT NULL, v INT NOT NULL, PRIMARY KEY (k DESC, v));
INSERT IGNORE INTO t SELECT n * 36028797018963967, n, REPEAT('x', n % 20) FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 255) SELECT n FROM c) AS numbers;
INSERT IGNORE INTO d SELECT k, v FROM t;
-- then:
UPDATE t SET w = CONCAT('u', v) WHERE v % 3 = 1;
DELETE FROM t WHERE v % 5 = 2;
UPDATE d SET v = v + 1000 WHERE v % 2 = 0;
DELETE FROM d WHERE v % 9 = 0;
INSERT INTO t SELECT k, v, 'back' FROM d WHERE v % 5 = 2;
