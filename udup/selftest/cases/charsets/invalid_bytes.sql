-- topic: bytes that a character set does not have, as they come with old data
-- session: sql_mode = ''
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) CHARACTER SET gbk, b VARCHAR(20) CHARACTER SET sjis, c VARCHAR(20) CHARACTER SET latin1, d VARCHAR(20) CHARACTER SET cp1250, e VARBINARY(20));
INSERT INTO t VALUES (1, x'8140FE', x'815C5C', x'81', x'81', x'C328');
-- then:
INSERT INTO t VALUES (2, x'FE50A2A3', x'EBFE', x'90', x'88', x'EDA080'), (3, x'5C', x'5C', x'5C27', x'5C', x'5C27');
UPDATE t SET a = CONCAT(a, '\\') WHERE id = 1;
