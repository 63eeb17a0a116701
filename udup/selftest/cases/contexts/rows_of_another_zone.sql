-- topic: rows that were written in another zone than the server's own cannot be computed by a copy
-- unfit: from mysql-5.6: it has no generated columns
-- refused: from mariadb-11 to mariadb-10: does not log the values of stored generated columns
-- phase: copy
-- expect: refused generated column day came to other values
CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMP NULL, day DATE AS (DATE(at)) STORED);
INSERT INTO t (id, at) VALUES (1, '2024-06-01 03:00:00');
SET time_zone = '-05:00';
INSERT INTO t (id, at) VALUES (2, '2024-06-01 22:00:00');
