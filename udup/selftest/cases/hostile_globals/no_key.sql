-- topic: a table without a key is read in one stream, whatever sql_select_limit, max_join_size and max_execution_time say
-- session: cte_max_recursion_depth = 10000
-- unfit: from mariadb, mysql-5.6: it has no variable cte_max_recursion_depth
CREATE TABLE t (a INT, b VARCHAR(40));
INSERT INTO t WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i, CONCAT('row ', i) FROM n;
-- then:
INSERT INTO t SELECT a + 5000, b FROM t;
DELETE FROM t WHERE a % 7 = 0;
