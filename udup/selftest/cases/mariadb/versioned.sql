-- topic: system-versioned tables with their history
-- refused: from mariadb: SYSTEM VERSIONING
-- unfit: from mysql: it has no system versioning
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20)) WITH SYSTEM VERSIONING;
INSERT INTO t VALUES (1, 'one'), (2, 'two');
UPDATE t SET a = 'first' WHERE id = 1;
-- then:
UPDATE t SET a = 'second' WHERE id = 1;
DELETE FROM t WHERE id = 2;
INSERT INTO t VALUES (3, 'three');
DELETE HISTORY FROM t BEFORE SYSTEM_TIME '2001-01-01 00:00:00';
ALTER TABLE t ADD COLUMN b INT;
