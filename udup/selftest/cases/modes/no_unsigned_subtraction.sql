-- topic: NO_UNSIGNED_SUBTRACTION decides the types of CREATE … SELECT and of generated columns' values
-- phase: copy
-- session: sql_mode = 'NO_UNSIGNED_SUBTRACTION'
-- unfit: from mysql-5.6: it has no generated columns
-- refused: to mariadb: cannot be used in the GENERATED ALWAYS AS clause
CREATE TABLE t (id INT UNSIGNED PRIMARY KEY, g BIGINT AS (id - 5) STORED);
INSERT INTO t (id) VALUES (1);
-- then:
CREATE TABLE s SELECT id - 3 AS d FROM t;
INSERT INTO t (id) VALUES (2);
