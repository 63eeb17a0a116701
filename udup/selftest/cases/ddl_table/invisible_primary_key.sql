-- topic: tables with a generated invisible primary key: altered, made visible, filled
-- session: sql_generate_invisible_primary_key = ON
-- counters: free
-- unfit: from mariadb, mysql-5.6: it has no variable sql_generate_invisible_primary_key
-- unfit: to mariadb: whether a column is INVISIBLE is left as it is by ALTER COLUMN, and told
CREATE TABLE t (a INT);
INSERT INTO t VALUES (1), (2);
-- then:
ALTER TABLE t ADD b INT;
INSERT INTO t VALUES (3, 3);
UPDATE t SET a = 9 WHERE b IS NULL;
ALTER TABLE t ALTER COLUMN my_row_id SET VISIBLE;
CREATE TABLE u (x VARCHAR(5));
INSERT INTO u VALUES ('a'), ('b');
CREATE TABLE s SELECT a FROM t;
CREATE TABLE l LIKE u;
DELETE FROM u WHERE x = 'a';
