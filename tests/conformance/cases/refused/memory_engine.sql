-- topic: rows of a MEMORY table are in no snapshot
-- phase: copy
-- expect: refused not transactional
CREATE TABLE t (id INT) ENGINE=MEMORY;
INSERT INTO t VALUES (1);
