-- topic: rows of a MyISAM table that is made while the job runs
-- phase: incremental
-- expect: refused ENGINE=InnoDB, and start the job again
CREATE TABLE t (id INT PRIMARY KEY);
-- then:
CREATE TABLE m (id INT PRIMARY KEY, a VARCHAR(10)) ENGINE=MyISAM;
INSERT INTO m VALUES (1, 'x'), (2, 'y');
