-- topic: XA, large transactions and CREATE TABLE … SELECT in another zone than the server's
-- phase: incremental
-- unfit: from mariadb: it has no variable cte_max_recursion_depth
-- unfit: from mysql-5.6: it has no generated columns
CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMP NULL, filling VARCHAR(200), day DATE AS (DATE(at)) STORED, hour INT AS (HOUR(at)), KEY (hour));
-- then:
SET time_zone = '-11:00', cte_max_recursion_depth = 100000;
XA START 'contexts one';
INSERT INTO t (id, at) VALUES (1, '2024-06-01 20:00:00');
XA END 'contexts one';
XA PREPARE 'contexts one';
-- connection: other
SET time_zone = '+10:00';
INSERT INTO t (id, at) VALUES (2, '2024-06-01 20:00:00');
XA COMMIT 'contexts one';
-- connection: main
XA START 'contexts two';
INSERT INTO t (id, at) VALUES (3, '2024-06-01 20:00:00');
XA END 'contexts two';
XA COMMIT 'contexts two' ONE PHASE;
INSERT INTO t (id, at, filling) WITH RECURSIVE n (n) AS (SELECT 10 UNION ALL SELECT n + 1 FROM n WHERE n < 6000) SELECT n, FROM_UNIXTIME(n * 3600), REPEAT('x', 100) FROM n;
XA START 'contexts three';
UPDATE t SET at = at + INTERVAL 5 HOUR WHERE id > 10;
XA END 'contexts three';
XA PREPARE 'contexts three';
-- connection: other
XA COMMIT 'contexts three';
-- connection: main
CREATE TABLE made (id INT PRIMARY KEY, at TIMESTAMP NULL, day DATE AS (DATE(at)) STORED) SELECT id, at FROM t;
