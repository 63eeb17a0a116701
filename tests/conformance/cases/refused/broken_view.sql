-- topic: a view whose table is gone cannot be read
-- phase: copy
-- expect: refused drop it or leave it out
CREATE TABLE t (id INT);
CREATE VIEW v AS SELECT * FROM t;
DROP TABLE t;
