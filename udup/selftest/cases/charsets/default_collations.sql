-- topic: default_collation_for_utf8mb4, SET NAMES … COLLATE, tables that name only a character set
-- unfit: from mariadb, mysql-5.6: it has no variable default_collation_for_utf8mb4
SET default_collation_for_utf8mb4 = utf8mb4_general_ci;
CREATE TABLE a (a VARCHAR(10) CHARACTER SET utf8mb4) DEFAULT CHARSET utf8mb4;
-- then:
CREATE TABLE b (a VARCHAR(10) CHARACTER SET utf8mb4, b VARCHAR(5)) DEFAULT CHARSET utf8mb4;
SET default_collation_for_utf8mb4 = utf8mb4_0900_ai_ci;
CREATE TABLE c (a VARCHAR(10), b CHAR(3) BYTE, c VARCHAR(10) ASCII, d VARCHAR(10) UNICODE, e NCHAR(5), f NVARCHAR(5), g VARCHAR(5) BINARY) DEFAULT CHARSET utf8mb4;
ALTER TABLE a ADD b VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, ADD c VARCHAR(10);
CREATE TABLE d SELECT 'x' AS a, _latin1'y' AS b, CONCAT('a', 1) AS c;
INSERT INTO c VALUES ('a', 'b', 'c', 'ü', 'ä', 'ö', 'ß');
