-- topic: the same of a column that only its index stores
-- unfit: from mysql-5.6: it has no generated columns
-- phase: copy
-- expect: refused generated column hour in its index by_hour came to other values
CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMP NULL, hour INT AS (HOUR(at)) VIRTUAL, KEY by_hour (hour, at));
SET time_zone = '-05:00';
INSERT INTO t (id, at) VALUES (2, '2024-06-01 22:00:00');
