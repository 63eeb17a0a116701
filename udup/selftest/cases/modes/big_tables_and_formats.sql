-- topic: innodb_default_row_format and innodb_strict_mode of the session, key lengths near 3072 bytes
-- session: innodb_strict_mode = ON
-- unfit: from mysql-5.6: error 1071: Specified key was too long; max key length is 767 bytes; run there: SET PERSIST
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(768), b VARBINARY(3072), KEY (a), KEY (b)) ROW_FORMAT=DYNAMIC;
INSERT INTO t VALUES (1, REPEAT('😀', 768), REPEAT(x'FF', 3072));
-- then:
INSERT INTO t VALUES (2, REPEAT('ü', 768), '');
ALTER TABLE t ROW_FORMAT=COMPRESSED;
UPDATE t SET b = REPEAT('x', 3072) WHERE id = 2;
