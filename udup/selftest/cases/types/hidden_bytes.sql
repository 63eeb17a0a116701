-- topic: trailing spaces, zero bytes, tabs and newlines at both ends of every text type
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b CHAR(20), c TEXT, d VARBINARY(20), e BINARY(20), f ENUM('x', 'y'), g JSON);
INSERT INTO t VALUES (1, ' a ', ' a ', ' a ', ' a ', ' a ', 'x', '" a "'), (2, '\0a\0', '\0a\0', '\0a\0', '\0a\0', '\0a\0', 'y', '"\\u0000a\\u0000"');
-- then:
INSERT INTO t VALUES (3, '\ta\n', '\ta\n', '\r\n', '\n', '\n', 'x', '"\\t"'), (4, '   ', '   ', '   ', '   ', '   ', 'x', '"   "');
UPDATE t SET a = CONCAT(a, ' '), d = CONCAT(d, '\0') WHERE id < 3;
