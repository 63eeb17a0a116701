-- topic: ENUM with more than 255 members takes two bytes
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
SET SESSION group_concat_max_len = 100000;
SET @sql = (SELECT CONCAT('CREATE TABLE t (id INT PRIMARY KEY, e ENUM(', GROUP_CONCAT(CONCAT('''m', n, '''') ORDER BY n), '))')
  FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 300) SELECT n FROM c) AS numbers);
PREPARE made FROM @sql;
EXECUTE made;
INSERT INTO t VALUES (1, 'm1'), (2, 'm255'), (3, 'm256'), (4, 'm300');
-- then:
INSERT INTO t VALUES (5, 'm257'), (6, NULL);
UPDATE t SET e = e + 1 WHERE id < 4;
