-- topic: filters over texts: collations, accents, trailing spaces, LIKE, binary strings, ENUM, SET
-- refused: from mysql-5.6, mariadb-10.5: does not decide about such a one
-- where: ci name = 'a'
-- where: bin name IN ('a', 'B') OR name LIKE 'x%'
-- where: listed e = 'paid' OR FIND_IN_SET('b', s)
-- where: bytes b >= x'61' AND b < 'c'
CREATE TABLE ci (id INT PRIMARY KEY, name VARCHAR(10) COLLATE utf8mb4_general_ci);
CREATE TABLE bin (id INT PRIMARY KEY, name VARCHAR(10) CHARACTER SET latin1 COLLATE latin1_bin);
CREATE TABLE listed (id INT PRIMARY KEY, e ENUM('new', 'paid'), s SET('a', 'b', 'B') COLLATE utf8mb4_bin);
CREATE TABLE bytes (id INT PRIMARY KEY, b VARBINARY(4));
INSERT INTO ci VALUES (1, 'a'), (2, 'A '), (3, 'ä'), (4, 'b'), (5, NULL);
INSERT INTO bin VALUES (1, 'a'), (2, 'A'), (3, 'B'), (4, 'xyz'), (5, 'XYZ');
INSERT INTO listed VALUES (1, 'new', 'a'), (2, 'paid', 'a'), (3, 'new', 'b'), (4, 'new', 'B'), (5, NULL, 'b,B');
INSERT INTO bytes VALUES (1, 'a'), (2, 'B'), (3, 'c'), (4, 'b\0'), (5, NULL);
-- then:
UPDATE ci SET name = ELT(id, 'b', 'á', 'a', 'A', 'a   ');
UPDATE bin SET name = ELT(id, 'A', 'a', 'b', 'ax', 'x');
UPDATE listed SET e = IF(e = 'new', 'paid', 'new') WHERE id > 1;
UPDATE listed SET s = 'B' WHERE id = 5;
UPDATE bytes SET b = CONCAT(b, 'x');
INSERT INTO ci SELECT id + 10, name FROM ci;
