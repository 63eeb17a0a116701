-- topic: primary keys added, dropped, changed, with rows before and after
CREATE TABLE t (a INT NOT NULL, b INT NOT NULL, c INT);
INSERT INTO t VALUES (1, 1, 1), (2, 2, 2);
-- then:
ALTER TABLE t ADD PRIMARY KEY (a);
UPDATE t SET c = 5 WHERE a = 1;
ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (b, a);
DELETE FROM t WHERE a = 2;
ALTER TABLE t DROP PRIMARY KEY;
INSERT INTO t VALUES (3, 3, 3), (3, 3, 3);
DELETE FROM t WHERE a = 3 LIMIT 1;
