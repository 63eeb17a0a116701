-- topic: ascii: all 256 bytes in CHAR, VARCHAR, TEXT and as a key that is cut into chunks
-- refused: from mariadb to mysql: Incorrect string value
-- session: sql_mode = ''
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (id INT PRIMARY KEY, a CHAR(3), b VARCHAR(40), c TEXT, e ENUM('a', 'b')) DEFAULT CHARACTER SET ascii;
CREATE TABLE k (w VARCHAR(30), v INT, PRIMARY KEY (w)) DEFAULT CHARACTER SET ascii;
INSERT INTO t SELECT n, CONVERT(CHAR(n) USING ascii), CONVERT(CONCAT('x', CHAR(n), 'y') USING ascii), CONVERT(REPEAT(CHAR(n), 50) USING ascii), 1 + n % 2 FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 255) SELECT n FROM c) AS numbers;
INSERT IGNORE INTO k SELECT CONVERT(CONCAT(CHAR(n), n % 9) USING ascii), n FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 255) SELECT n FROM c) AS numbers;
-- then:
INSERT INTO t SELECT 1000 + id, b, a, CONCAT(c, b), e FROM t WHERE id > 120;
UPDATE k SET w = CONCAT(w, '+'), v = v + 1 WHERE v % 3 = 0;
DELETE FROM k WHERE v % 7 = 1;
