-- topic: what a definition leaves to a default: engine, character set, NULL of a TIMESTAMP, a key, a name
-- unfit: from mariadb-10, mysql-5.6: it has no collation utf8mb4_0900_ai_ci
CREATE TABLE t (id INT PRIMARY KEY, a TIMESTAMP NULL, b TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, c CHAR(3), d VARCHAR(10) COLLATE utf8mb4_0900_ai_ci);
INSERT INTO t (id, c, d) VALUES (1, 'a', 'ä'), (2, 'b ', 'x');
CREATE TABLE nothing (a INT);
INSERT INTO nothing VALUES (1), (1), (NULL), (4), (5);
-- then:
CREATE TABLE u (id INT, a TIMESTAMP, b TIMESTAMP, c VARCHAR(10));
INSERT INTO u (id, c) VALUES (1, 'a'), (1, 'a'), (2, 'ß'), (3, 'c'), (4, 'd');
CREATE TABLE w SELECT * FROM u;
CREATE TEMPORARY TABLE x SELECT 1 AS a;
INSERT INTO nothing SELECT a FROM x;
DELETE FROM nothing WHERE a = 1 LIMIT 2;
