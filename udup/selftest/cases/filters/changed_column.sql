-- topic: an ALTER of a column at which the filter looks
-- phase: incremental
-- expect: refused changes n of
-- where: t n > 1
CREATE TABLE t (id INT PRIMARY KEY, n INT);
-- then:
ALTER TABLE t MODIFY n BIGINT;
