-- topic: XA transactions: one phase, two phases, rolled back
-- phase: incremental
CREATE TABLE t (id INT PRIMARY KEY);
-- then:
XA START 'one';
INSERT INTO t VALUES (1);
XA END 'one';
XA COMMIT 'one' ONE PHASE;
XA START 'two', 'branch', 5;
INSERT INTO t VALUES (2);
XA END 'two', 'branch', 5;
XA PREPARE 'two', 'branch', 5;
XA COMMIT 'two', 'branch', 5;
XA START x'00FF';
INSERT INTO t VALUES (3);
XA END x'00FF';
XA PREPARE x'00FF';
XA ROLLBACK x'00FF';
INSERT INTO t VALUES (4);
