-- topic: MINIMAL row images of tables with history, compressed columns, and unique keys over texts
-- unfit: from mysql: it has none of these
-- refused: from mariadb to mariadb-10.5: cannot be copied to a target before MariaDB 10.11
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), c TEXT COMPRESSED, UNIQUE KEY k (a)) WITH SYSTEM VERSIONING;
CREATE TABLE u (id INT PRIMARY KEY, a TEXT, b INT, c VARCHAR(50) COMPRESSED, UNIQUE KEY k (a));
INSERT INTO t VALUES (1, 'one', REPEAT('x', 500)), (2, 'two', NULL);
INSERT INTO u VALUES (1, 'a', 1, REPEAT('z', 50)), (2, 'b', 2, NULL);
-- then:
SET binlog_row_image = 'MINIMAL';
UPDATE t SET a = 'first' WHERE id = 1;
UPDATE t SET c = REPEAT('y', 900);
DELETE FROM t WHERE id = 2;
INSERT INTO t (id) VALUES (3);
UPDATE t SET id = 4 WHERE id = 3;
UPDATE u SET b = 5 WHERE id = 1;
UPDATE u SET c = 'short', a = CONCAT(a, 'new');
DELETE FROM u WHERE id = 2;
SET binlog_row_image = 'FULL';
UPDATE t SET a = 'noblob' WHERE id = 1;
UPDATE u SET b = 6;
DELETE FROM t WHERE id = 4;
