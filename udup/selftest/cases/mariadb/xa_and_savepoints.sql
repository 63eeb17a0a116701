-- topic: XA in MariaDB's form, one phase and two; savepoints; transactions of several tables
-- unfit: from mysql: its form is another
CREATE TABLE t (id INT PRIMARY KEY, a INT);
CREATE TABLE u (id INT PRIMARY KEY);
-- then:
XA START 'g1', 'b1', 7;
INSERT INTO t VALUES (1, 1);
XA END 'g1', 'b1', 7;
XA PREPARE 'g1', 'b1', 7;
XA COMMIT 'g1', 'b1', 7;
XA START 'g2';
INSERT INTO t VALUES (2, 2);
INSERT INTO u VALUES (2);
XA END 'g2';
XA COMMIT 'g2' ONE PHASE;
XA START 'g3';
INSERT INTO t VALUES (3, 3);
XA END 'g3';
XA PREPARE 'g3';
XA ROLLBACK 'g3';
BEGIN;
INSERT INTO t VALUES (4, 4);
SAVEPOINT a;
INSERT INTO t VALUES (5, 5);
ROLLBACK TO SAVEPOINT a;
INSERT INTO u VALUES (4);
COMMIT;
