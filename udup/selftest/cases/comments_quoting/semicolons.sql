-- topic: several statements in one text, empty statements, semicolons in strings and names
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20)); INSERT INTO t VALUES (1, ';'); INSERT INTO t VALUES (2, 'a;b');
-- then:
INSERT INTO t VALUES (3, ';'); CREATE TABLE `a;b` (id INT); INSERT INTO `a;b` VALUES (1);
ALTER TABLE t COMMENT 'x;y'; DROP TABLE `a;b`;
