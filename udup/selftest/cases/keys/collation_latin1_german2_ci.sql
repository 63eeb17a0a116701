-- topic: a primary key and a unique key in latin1_german2_ci: case, accents, trailing spaces; many chunks
-- unfit: from mysql-5.6: it has no WITH RECURSIVE
CREATE TABLE t (k VARCHAR(40) COLLATE latin1_german2_ci PRIMARY KEY, u CHAR(20) COLLATE latin1_german2_ci, n INT, UNIQUE KEY u (u)) DEFAULT CHARACTER SET latin1;
INSERT IGNORE INTO t SELECT CONCAT(ELT(1 + n % 17, 'a','A','b','B','ae','ss','z','ch','c','ll','I','i','h','O','o','hc','cz'), IF(n % 5 = 0, ' ', ''), n DIV 3), CONCAT(ELT(1 + n % 13, 'a','A','b','B','ae','ss','z','ch','c','ll','I','i','h','O','o','hc','cz'), n), n FROM (WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < 255) SELECT n FROM c) AS numbers;
-- then:
INSERT IGNORE INTO t SELECT UPPER(k), NULL, n + 1000 FROM t;
UPDATE IGNORE t SET k = UPPER(k) WHERE n % 4 = 1 AND n < 1000;
UPDATE IGNORE t SET u = CONCAT(u, 'x') WHERE n % 6 = 1;
DELETE FROM t WHERE k LIKE 'a%' AND n % 2 = 0;
