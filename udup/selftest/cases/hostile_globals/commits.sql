-- topic: sessions that chain, release or do not commit by themselves
-- session: autocommit = 0
-- unfit: from mariadb-10, mysql-5.6: it has no variable transaction_isolation
CREATE TABLE t (id INT PRIMARY KEY, a INT);
INSERT INTO t VALUES (1, 1), (2, 2), (3, 3), (4, 4);
COMMIT;
-- then:
-- connection: chaining
SET completion_type = 1;
INSERT INTO t VALUES (5, 5);
COMMIT;
INSERT INTO t VALUES (6, 6);
ROLLBACK;
INSERT INTO t VALUES (7, 7);
COMMIT;
ALTER TABLE t ADD b INT;
-- connection: serial
SET SESSION transaction_isolation = 'SERIALIZABLE', innodb_lock_wait_timeout = 50;
START TRANSACTION;
UPDATE t SET b = (SELECT c FROM (SELECT COUNT(*) AS c FROM t) AS s);
COMMIT;
CREATE TABLE u AS SELECT * FROM t;
COMMIT;
