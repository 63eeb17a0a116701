-- topic: statements of clients that say binary, or nothing, about their character set
SET NAMES binary;
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b VARBINARY(20) DEFAULT 'x');
INSERT INTO t VALUES (1, 'plain', 'plain');
-- then:
ALTER TABLE t ADD c VARCHAR(20) CHARACTER SET latin1 DEFAULT 'c';
INSERT INTO t VALUES (2, 'two', x'FF00', 'd');
SET NAMES utf8mb4;
SET character_set_connection = latin1;
CREATE TABLE u (a VARCHAR(10) DEFAULT 'ü') COMMENT 'ü';
INSERT INTO u VALUES ('ä'), (DEFAULT);
SET NAMES utf8mb3;
CREATE TABLE w (a VARCHAR(10) DEFAULT '中');
INSERT INTO w VALUES (DEFAULT);
