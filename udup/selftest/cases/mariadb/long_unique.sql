-- topic: unique keys over long texts, which MariaDB keeps by a hash
-- unfit: from mysql: it has no such keys
CREATE TABLE t (id INT PRIMARY KEY, a TEXT, UNIQUE KEY (a));
INSERT INTO t VALUES (1, REPEAT('a', 3000));
-- then:
INSERT INTO t VALUES (2, REPEAT('b', 3000));
UPDATE t SET a = 'short' WHERE id = 1;
