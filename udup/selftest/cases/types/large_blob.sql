-- topic: values of 24 MB, larger than a chunk's text, a message and a statement
-- unfit: from mysql-5.6: error 1118: The size of BLOB/TEXT data inserted in one transaction is greater than 10% of re
CREATE TABLE t (id INT PRIMARY KEY, b LONGBLOB);
INSERT INTO t VALUES (1, REPEAT(x'00FF5C27', 6000000));
-- then:
INSERT INTO t SELECT 2, CONCAT('x', b) FROM t;
UPDATE t SET b = '' WHERE id = 1;
