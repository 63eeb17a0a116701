-- topic: auto_increment_increment and offset of the session, zero and negative values, NO_AUTO_VALUE_ON_ZERO
-- counters: free
-- session: auto_increment_increment = 10, auto_increment_offset = 3, sql_mode = 'NO_AUTO_VALUE_ON_ZERO'
-- unfit: from mysql-5.6: CREATE … SELECT is forbidden where GTIDs must be consistent
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT);
INSERT INTO t (a) VALUES (1), (2);
-- then:
INSERT INTO t (a) VALUES (3), (4);
INSERT INTO t VALUES (0, 5), (-5, 6);
SET sql_mode = '';
INSERT INTO t VALUES (0, 7), (NULL, 8);
UPDATE t SET id = 500 WHERE a = 1;
CREATE TABLE c (id INT PRIMARY KEY AUTO_INCREMENT) SELECT a FROM t WHERE a < 3;
