-- topic: rows that a CHECK took in another zone than the server's own cannot be copied while it is enforced
-- unfit: from mysql-5.6: it has no CHECK
-- refused: to mariadb: CONSTRAINT
-- phase: copy
-- expect: refused ALTER CHECK … NOT ENFORCED
CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMP NULL, CONSTRAINT early CHECK (HOUR(at) < 12));
SET time_zone = '-05:00';
INSERT INTO t (id, at) VALUES (1, '2024-06-01 09:00:00');
