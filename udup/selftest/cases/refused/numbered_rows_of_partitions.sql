-- topic: an AUTO_INCREMENT column added to rows in partitions
-- unfit: from mysql-5.6: its log tells less, and the job stops for another reason
-- phase: incremental
-- expect: refused it is partitioned
CREATE TABLE t (a INT PRIMARY KEY) PARTITION BY HASH (a) PARTITIONS 3;
INSERT INTO t VALUES (3), (1), (2);
-- then:
ALTER TABLE t ADD id INT AUTO_INCREMENT, ADD KEY (id);
