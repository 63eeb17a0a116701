-- topic: CONVERT TO CHARACTER SET, DEFAULT CHARACTER SET, rows before and after
-- unfit: from mariadb-10, mysql-5.6: it has no collation utf8mb4_de_pb_0900_ai_ci
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b TEXT, c VARCHAR(20) CHARACTER SET ascii, KEY (a)) DEFAULT CHARSET latin1;
INSERT INTO t VALUES (1, 'ä', 'ö', 'c');
-- then:
ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_de_pb_0900_ai_ci;
INSERT INTO t VALUES (2, '😀', '中', 'ü');
ALTER TABLE t DEFAULT CHARACTER SET = utf16, COLLATE = utf16_bin;
ALTER TABLE t ADD d VARCHAR(10);
UPDATE t SET d = '😀' WHERE id = 1;
