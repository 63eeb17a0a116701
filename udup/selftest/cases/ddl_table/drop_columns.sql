-- topic: DROP COLUMN of a plain column, an indexed one, a part of an index, with INSTANT
-- unfit: from mysql-5.6: it has no ALGORITHM = INSTANT
CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT, c INT, d INT, KEY ab (a, b), KEY c (c));
INSERT INTO t VALUES (1, 1, 2, 3, 4), (2, 5, 6, 7, 8);
-- then:
ALTER TABLE t DROP a;
UPDATE t SET b = b + 1;
ALTER TABLE t DROP COLUMN c, DROP COLUMN d, ADD COLUMN e INT FIRST;
INSERT INTO t VALUES (9, 3, 9);
ALTER TABLE t DROP COLUMN e, ALGORITHM=INSTANT;
INSERT INTO t VALUES (4, 4);
