-- topic: JSON documents with thousands of keys and of more than 64 KiB, which have another layout
-- session: cte_max_recursion_depth = 100000, group_concat_max_len = 10000000
-- unfit: from mariadb, mysql-5.6: it has no variable cte_max_recursion_depth
CREATE TABLE t (id INT PRIMARY KEY, j JSON);
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT 1, JSON_OBJECTAGG(CONCAT('key', i), CONCAT('value ', i)) FROM n;
INSERT INTO t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT 2, JSON_ARRAYAGG(i * 1000003) FROM n;
-- then:
UPDATE t SET j = JSON_SET(j, '$.key77', REPEAT('y', 100000)) WHERE id = 1;
UPDATE t SET j = JSON_REMOVE(j, '$[3]', '$[10]') WHERE id = 2;
INSERT INTO t SELECT 3, JSON_ARRAY(a.j, b.j) FROM t a, t b WHERE a.id = 1 AND b.id = 2;
