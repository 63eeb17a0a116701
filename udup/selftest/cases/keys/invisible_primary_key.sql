-- topic: a primary key that the server generates (GIPK), with rows from several sessions
-- counters: free
-- session: sql_generate_invisible_primary_key = ON
-- unfit: from mariadb, mysql-5.6: it has no variable sql_generate_invisible_primary_key
CREATE TABLE t (a INT, b VARCHAR(20));
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT i, 'x' FROM n;
