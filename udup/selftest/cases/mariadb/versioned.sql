-- topic: system-versioned tables: with their history between MariaDBs, their rows of today for others
-- unfit: from mysql: it has no system versioning
-- refused: from mariadb to mariadb-10.5: cannot be copied to a target before MariaDB 10.11
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), n INT WITHOUT SYSTEM VERSIONING) WITH SYSTEM VERSIONING;
INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 2), (4, 'four', 4);
UPDATE t SET a = 'first' WHERE id = 1;
DELETE FROM t WHERE id = 4;
CREATE TABLE u (id INT PRIMARY KEY, a TEXT, KEY (a(10)), UNIQUE KEY k (a)) WITH SYSTEM VERSIONING;
INSERT INTO u VALUES (1, REPEAT('x', 3000)), (2, 'y');
UPDATE u SET a = 'z' WHERE id = 2;
CREATE TABLE p (id INT PRIMARY KEY, a INT) WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 2 (PARTITION p0 HISTORY, PARTITION p1 HISTORY, PARTITION pn CURRENT);
INSERT INTO p VALUES (1, 1), (2, 2);
UPDATE p SET a = a + 1;
CREATE TABLE plain (id INT PRIMARY KEY, a INT);
INSERT INTO plain VALUES (1, 1);
-- then:
UPDATE t SET a = 'second' WHERE id = 1;
UPDATE t SET n = 10 WHERE id = 1;
UPDATE t SET id = 7 WHERE id = 1;
DELETE FROM t WHERE id = 2;
INSERT INTO t VALUES (3, 'three', 3), (4, 'again', 4);
REPLACE INTO t VALUES (3, 'replaced', 5);
INSERT INTO t VALUES (4, 'new', 1) ON DUPLICATE KEY UPDATE a = 'updated';
BEGIN;
INSERT INTO t VALUES (5, 'five', 5);
UPDATE t SET a = 'within' WHERE id = 5;
DELETE FROM t WHERE id = 3;
COMMIT;
DELETE HISTORY FROM t BEFORE SYSTEM_TIME '2001-01-01 00:00:00';
UPDATE u SET a = 'changed' WHERE id = 1;
DELETE FROM u WHERE id = 2;
DELETE HISTORY FROM u;
UPDATE p SET a = a * 10;
DELETE FROM p WHERE id = 1;
SET system_versioning_alter_history = KEEP;
ALTER TABLE t ADD COLUMN b INT;
UPDATE t SET b = 1;
ALTER TABLE plain ADD SYSTEM VERSIONING;
UPDATE plain SET a = 2;
CREATE TABLE made (id INT PRIMARY KEY, a INT) WITH SYSTEM VERSIONING;
INSERT INTO made VALUES (1, 1), (2, 2);
UPDATE made SET a = 3;
ALTER TABLE made DROP SYSTEM VERSIONING;
DELETE FROM made WHERE id = 1;
