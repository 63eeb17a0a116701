-- topic: a table of 1,000 columns
-- session: sql_mode = '', group_concat_max_len = 1000000
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
SET @columns = (SELECT GROUP_CONCAT('c', n, ' ', ELT(1 + n % 5, 'INT', 'TINYINT UNSIGNED', 'DATE', 'CHAR(1)', 'BIT(3)') ORDER BY n) FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 999) SELECT n FROM c) AS numbers);
SET @sql = CONCAT('CREATE TABLE t (id INT PRIMARY KEY, ', @columns, ')');
PREPARE made FROM @sql;
EXECUTE made;
INSERT INTO t (id, c1, c500, c999, c3) VALUES (1, 1, 2, 3, 'x');
-- then:
INSERT INTO t (id, c2, c998) VALUES (2, 5, 'y'), (3, NULL, NULL);
UPDATE t SET c999 = 7, c1 = 9, c250 = 1 WHERE id = 1;
