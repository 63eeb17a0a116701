-- topic: numbers that have other digits than their column, in a column from which others are computed
-- unfit: from mysql-5.6: it has no generated columns
-- phase: copy
-- expect: refused holds numbers with other digits
CREATE TABLE t (a DOUBLE(12,4), s INT AS (a * 2) STORED);
INSERT INTO t (a) VALUES (1.2345);
ALTER TABLE t MODIFY a DOUBLE(12,2);
