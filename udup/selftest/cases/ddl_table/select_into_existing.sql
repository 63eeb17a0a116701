-- topic: CREATE … SELECT with keys, generated columns, partitions, and one that fails midway
-- unfit: from mysql-5.6: it has no generated columns
-- refused: from mariadb-11 to mariadb-10: does not log the values of stored generated columns
CREATE TABLE s (id INT PRIMARY KEY, a INT);
INSERT INTO s VALUES (1, 10), (2, 20), (3, 10);
-- then:
CREATE TABLE a (PRIMARY KEY (id), g INT AS (id * 2) STORED) SELECT id, a FROM s;
CREATE TABLE b (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3 SELECT id FROM s;
-- error: 1062
CREATE TABLE c (UNIQUE (a)) SELECT a FROM s;
CREATE TABLE IF NOT EXISTS s SELECT 9 AS id, 9 AS a;
CREATE TABLE d (x VARCHAR(5) CHARACTER SET latin1) SELECT CAST(id AS CHAR) AS x, a FROM s ORDER BY a DESC;
CREATE TABLE e WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50) SELECT i FROM n;
INSERT INTO a (id, a) VALUES (9, 9);
