-- topic: a primary key and a unique key in utf8mb4_ja_0900_as_cs_ks: case, accents, trailing spaces; many chunks
-- unfit: to mariadb: another collation stands for its own there, and is told
-- unfit: from mariadb, mysql-5.6: it has no collation utf8mb4_ja_0900_as_cs_ks
CREATE TABLE t (k VARCHAR(40) COLLATE utf8mb4_ja_0900_as_cs_ks PRIMARY KEY, u CHAR(20) COLLATE utf8mb4_ja_0900_as_cs_ks, n INT, UNIQUE KEY u (u)) DEFAULT CHARACTER SET utf8mb4;
INSERT IGNORE INTO t SELECT CONCAT(ELT(1 + n % 17, 'a','A','á','ä','ae','ß','ss','z','ch','c','ll','I','ı','i','Ö','o','ø'), IF(n % 5 = 0, ' ', ''), n DIV 3), CONCAT(ELT(1 + n % 13, 'a','A','á','ä','ae','ß','ss','z','ch','c','ll','I','ı','i','Ö','o','ø'), n), n FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 255) SELECT n FROM c) AS numbers;
-- then:
INSERT IGNORE INTO t SELECT UPPER(k), NULL, n + 1000 FROM t;
UPDATE IGNORE t SET k = UPPER(k) WHERE n % 4 = 1 AND n < 1000;
UPDATE IGNORE t SET u = CONCAT(u, 'x') WHERE n % 6 = 1;
DELETE FROM t WHERE k LIKE 'a%' AND n % 2 = 0;
