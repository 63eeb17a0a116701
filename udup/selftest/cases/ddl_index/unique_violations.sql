-- topic: unique indexes over NULLs, prefixes, collations; IGNORE of the duplicates
-- unfit: from mariadb-10, mysql-5.6: it has no collation utf8mb4_0900_ai_ci
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) COLLATE utf8mb4_0900_ai_ci, b VARCHAR(20) COLLATE utf8mb4_bin, UNIQUE (b));
INSERT INTO t VALUES (1, 'Ä', 'Ä'), (2, 'o', 'a'), (3, NULL, NULL), (4, NULL, NULL);
-- then:
CREATE UNIQUE INDEX i ON t (a);
-- error: 1062
INSERT INTO t VALUES (5, 'a', 'x');
INSERT IGNORE INTO t VALUES (5, 'ä', 'y'), (6, 'z', 'A'), (7, 'ö', 'q');
INSERT INTO t VALUES (8, 'Z', 'z') ON DUPLICATE KEY UPDATE b = 'dup';
REPLACE INTO t VALUES (9, 'z', 'dup2');
