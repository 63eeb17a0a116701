-- topic: statements that fail on the source, wholly or in part, leave nothing behind on either side
-- unfit: from mariadb: error 4092: Unknown VIEW: 'never'
-- unfit: from mysql-5.6: error 1017: Can't find file: './c283/never.frm' (errno: 2 - No such file or directory)
CREATE TABLE t (id INT PRIMARY KEY, a INT);
INSERT INTO t VALUES (1, 1), (2, 1);
-- then:
-- error: 1062
ALTER TABLE t ADD UNIQUE (a);
-- error: 1050
CREATE TABLE t (x INT);
-- error: 1146
RENAME TABLE t TO u, never TO v;
-- error: 1062
INSERT INTO t VALUES (3, 3), (1, 1);
-- error: 1051
DROP VIEW never;
-- error: 1091
ALTER TABLE t DROP COLUMN nothing;
INSERT INTO t VALUES (4, 4);
