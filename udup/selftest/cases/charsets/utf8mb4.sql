-- topic: utf8mb4: characters of every length, in CHAR, VARCHAR, TEXT, ENUM and as a key that is cut into chunks
-- session: sql_mode = ''
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (id INT PRIMARY KEY, a CHAR(10), b VARCHAR(200), c TEXT, e ENUM('a', 'b'), s SET('x', 'y')) DEFAULT CHARACTER SET utf8mb4;
CREATE TABLE k (w VARCHAR(60), v INT, PRIMARY KEY (w)) DEFAULT CHARACTER SET utf8mb4;
INSERT INTO t VALUES (1000, 'Ä中文😀𠀀', 'Ä中文😀𠀀\\\'"`\n\0', REPEAT('Ä中文😀𠀀', 200), 'b', 'x,y'), (1001, '', '', '', NULL, ''), (1002, NULL, NULL, NULL, 'a', NULL);
INSERT INTO t (id, a, b) SELECT n, CONVERT(CHAR(n) USING utf8mb4), CONCAT('Ä中文😀𠀀', n) FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 255) SELECT n FROM c) AS numbers;
INSERT IGNORE INTO k SELECT CONCAT(SUBSTRING('Ä中文😀𠀀', 1 + n % 5, 3), n), n FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 255) SELECT n FROM c) AS numbers;
-- then:
INSERT INTO t SELECT 2000 + id, a, b, c, e, s FROM t WHERE id > 200;
UPDATE t SET b = REVERSE(b), c = CONCAT(c, 'Ä中文😀𠀀') WHERE id = 1000;
UPDATE k SET w = CONCAT('Ä中文😀𠀀', w) WHERE v % 3 = 0;
DELETE FROM k WHERE v % 7 = 1;
