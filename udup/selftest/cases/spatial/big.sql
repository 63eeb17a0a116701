-- topic: a line of ten thousand points
-- session: cte_max_recursion_depth = 100000, group_concat_max_len = 10000000
-- unfit: from mariadb, mysql-5.6: it has no variable cte_max_recursion_depth
CREATE TABLE t (id INT PRIMARY KEY, l LINESTRING NOT NULL);
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) SELECT 1, ST_GeomFromText(CONCAT('LINESTRING(', GROUP_CONCAT(i, ' ', i / 7), ')')) FROM n;
-- then:
INSERT INTO t SELECT 2, l FROM t;
UPDATE t SET l = ST_GeomFromText('LINESTRING(0 0, 1 1)') WHERE id = 1;
