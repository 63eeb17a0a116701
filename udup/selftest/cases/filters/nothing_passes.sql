-- topic: a filter that lets no row pass, and a column whose name is a word for no
-- where: t false
-- where: flags f
CREATE TABLE t (id INT PRIMARY KEY, a INT);
CREATE TABLE flags (id INT PRIMARY KEY, f TINYINT);
INSERT INTO t VALUES (1, 1), (2, 2);
INSERT INTO flags VALUES (1, 1), (2, 0), (3, NULL);
-- then:
UPDATE t SET a = a + 1;
INSERT INTO t VALUES (3, 3);
UPDATE flags SET f = NOT f;
