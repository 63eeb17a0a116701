-- topic: an AUTO_INCREMENT column added in an order of its own
-- unfit: from mysql-5.6: it refuses ORDER BY there
-- phase: incremental
-- expect: refused it names an engine or an order as well
CREATE TABLE t (a INT PRIMARY KEY, b INT);
INSERT INTO t VALUES (3, 1), (1, 1), (2, 1);
-- then:
ALTER TABLE t DROP PRIMARY KEY, ADD id INT AUTO_INCREMENT PRIMARY KEY, ORDER BY b;
