-- topic: column collations explicit, implied by the table, by a character set, by the database
-- unfit: from mariadb-10, mysql-5.6: it has no collation utf8mb4_0900_ai_ci
CREATE TABLE t (a VARCHAR(5), b VARCHAR(5) CHARACTER SET latin1, c VARCHAR(5) COLLATE utf8mb4_bin, d ENUM('x,)', 'y''COLLATE utf8mb4_bin'), e VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci, f TEXT COMMENT 'COLLATE utf8mb4_bin') DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT 'COLLATE=utf8mb4_general_ci';
CREATE TABLE u (a VARCHAR(5), b VARCHAR(5) COLLATE latin1_bin, c SET('a', 'b') COLLATE latin1_swedish_ci) DEFAULT CHARACTER SET latin1 COLLATE latin1_german1_ci;
INSERT INTO t VALUES ('a', 'ä', 'c', 'x,)', 'e', 'f');
-- then:
CREATE TABLE v LIKE t;
INSERT INTO v SELECT * FROM t;
ALTER TABLE u ADD d TEXT, COLLATE latin1_bin;
INSERT INTO u VALUES ('ä', 'ö', 'a,b', 'x');
