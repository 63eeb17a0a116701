-- topic: CHECK constraints: named, unnamed, of a column, NOT ENFORCED, changed
-- unfit: to mariadb: it has no REGEXP_LIKE(), into which MySQL turns REGEXP
-- unfit: from mariadb: it cannot read "CHECK (b REGEXP '^[a-z]+$'), CHECK ("
-- unfit: from mysql-5.6: it cannot read "CONSTRAINT b_ok CHECK (b REGEXP '^[a"
CREATE TABLE t (id INT PRIMARY KEY, a INT CHECK (a > 0), b VARCHAR(10) CONSTRAINT b_ok CHECK (b REGEXP '^[a-z]+$'), CHECK (a < 100 OR b = 'big'), CONSTRAINT loose CHECK (a <> 5) NOT ENFORCED);
INSERT INTO t VALUES (1, 1, 'x'), (2, 5, 'y');
-- then:
-- error: 3819
INSERT INTO t VALUES (3, -1, 'x');
ALTER TABLE t ALTER CHECK b_ok NOT ENFORCED, DROP CHECK t_chk_1;
INSERT INTO t VALUES (3, -1, 'X9');
ALTER TABLE t ADD CONSTRAINT fresh CHECK (id < 1000), DROP CONSTRAINT loose;
UPDATE t SET a = 99;
