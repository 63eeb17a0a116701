-- topic: rows of a MEMORY table that is made while the job runs
-- phase: incremental
-- expect: refused ENGINE=InnoDB, and start the job again
CREATE TABLE t (id INT PRIMARY KEY);
-- then:
CREATE TABLE m (id INT PRIMARY KEY, a VARCHAR(10), KEY (a) USING BTREE, KEY h (a) USING HASH) ENGINE=MEMORY;
INSERT INTO m VALUES (1, 'x'), (2, 'y');
