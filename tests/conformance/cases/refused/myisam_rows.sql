-- topic: rows of a MyISAM table that is made while the job runs
-- phase: incremental
-- expect: refused ALTER TABLE … ENGINE=InnoDB on the target
CREATE TABLE t (id INT PRIMARY KEY);
-- then:
CREATE TABLE m (id INT PRIMARY KEY, a VARCHAR(10)) ENGINE=MyISAM;
INSERT INTO m VALUES (1, 'x'), (2, 'y');
