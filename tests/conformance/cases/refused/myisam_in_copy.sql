-- topic: rows of a non-transactional table have no place in a snapshot
-- phase: copy
-- expect: refused ENGINE=InnoDB
CREATE TABLE t (id INT PRIMARY KEY) ENGINE=MyISAM;
INSERT INTO t VALUES (1);
