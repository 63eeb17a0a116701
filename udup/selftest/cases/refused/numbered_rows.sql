-- topic: an AUTO_INCREMENT column added to rows that are there, which each server would number on its own
-- phase: incremental
-- expect: refused neither a primary key nor a unique key without NULLs
CREATE TABLE t (a INT);
INSERT INTO t VALUES (3), (1), (2);
-- then:
ALTER TABLE t ADD id INT AUTO_INCREMENT PRIMARY KEY;
