-- topic: REPLACE, INSERT IGNORE, ON DUPLICATE KEY, INSERT … SELECT, UPDATE with ORDER BY and LIMIT, TABLE and VALUES
-- unfit: from mariadb, mysql-5.6: it cannot read "ROW(5, 50, 'five'), ROW(6, 60, 'six'"
CREATE TABLE t (id INT PRIMARY KEY, a INT UNIQUE, b VARCHAR(20));
INSERT INTO t VALUES (1, 10, 'x'), (2, 20, 'y');
-- then:
REPLACE INTO t VALUES (1, 20, 'both go');
INSERT INTO t VALUES (1, 30, 'new') ON DUPLICATE KEY UPDATE a = 31, b = CONCAT(b, '!');
INSERT INTO t VALUES ROW(5, 50, 'five'), ROW(6, 60, 'six');
INSERT IGNORE INTO t VALUES (5, 51, 'no'), (7, 70, 'yes');
UPDATE t SET a = a + 1 ORDER BY a DESC LIMIT 2;
INSERT INTO t SELECT id + 100, NULL, b FROM t;
REPLACE INTO t SELECT id, a, 'replaced' FROM t WHERE id > 100;
DELETE FROM t ORDER BY id DESC LIMIT 1;
WITH x AS (SELECT 5 AS id) DELETE t FROM t JOIN x USING (id);
