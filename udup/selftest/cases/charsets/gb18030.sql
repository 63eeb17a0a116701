-- topic: gb18030: characters of every length, in CHAR, VARCHAR, TEXT, ENUM and as a key that is cut into chunks
-- refused: to mariadb: gb18030
-- session: sql_mode = ''
-- unfit: from mariadb, mysql-5.6: it has no character set gb18030
CREATE TABLE t (id INT PRIMARY KEY, a CHAR(10), b VARCHAR(200), c TEXT, e ENUM('a', 'b'), s SET('x', 'y')) DEFAULT CHARACTER SET gb18030;
CREATE TABLE k (w VARCHAR(60), v INT, PRIMARY KEY (w)) DEFAULT CHARACTER SET gb18030;
INSERT INTO t VALUES (1000, '中文𠀀丂ÄÖ', '中文𠀀丂ÄÖ\\\'"`\n\0', REPEAT('中文𠀀丂ÄÖ', 200), 'b', 'x,y'), (1001, '', '', '', NULL, ''), (1002, NULL, NULL, NULL, 'a', NULL);
INSERT INTO t (id, a, b) SELECT n, CONVERT(CHAR(n) USING gb18030), CONCAT('中文𠀀丂ÄÖ', n) FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 255) SELECT n FROM c) AS numbers;
INSERT IGNORE INTO k SELECT CONCAT(SUBSTRING('中文𠀀丂ÄÖ', 1 + n % 5, 3), n), n FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 255) SELECT n FROM c) AS numbers;
-- then:
INSERT INTO t SELECT 2000 + id, a, b, c, e, s FROM t WHERE id > 200;
UPDATE t SET b = REVERSE(b), c = CONCAT(c, '中文𠀀丂ÄÖ') WHERE id = 1000;
UPDATE k SET w = CONCAT('中文𠀀丂ÄÖ', w) WHERE v % 3 = 0;
DELETE FROM k WHERE v % 7 = 1;
