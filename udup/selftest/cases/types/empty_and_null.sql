-- topic: an empty string is not NULL, nor is 'NULL', 'N' or \N
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(10), b TEXT, c BLOB, d CHAR(5), e BINARY(3), f JSON);
INSERT INTO t VALUES (1, '', '', '', '', '', 'null'), (2, NULL, NULL, NULL, NULL, NULL, NULL);
-- then:
INSERT INTO t VALUES (3, 'NULL', 'NULL', 'NULL', 'NULL', 'NUL', '"NULL"'), (4, '\\N', '\\N', '\\N', '\\N', '\\N', '"\\\\N"'), (5, 'N', 'N', 'N', 'N', 'N', '""');
UPDATE t SET a = IF(a IS NULL, '', NULL), b = IF(b IS NULL, '', NULL), f = IF(f IS NULL, 'null', NULL) WHERE id IN (1, 2);
