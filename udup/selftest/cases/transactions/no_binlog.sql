-- topic: what a session keeps out of its binary log is not carried, here an index alone
-- phase: incremental
CREATE TABLE t (id INT PRIMARY KEY, a INT);
INSERT INTO t VALUES (1, 1);
SET sql_log_bin = 0;
CREATE TEMPORARY TABLE unseen (id INT);
SET sql_log_bin = 1;
INSERT INTO t VALUES (2, 2);
