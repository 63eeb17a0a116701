-- topic: rows of a CSV table are in no snapshot
-- phase: copy
-- expect: refused leave it out
CREATE TABLE t (id INT NOT NULL) ENGINE=CSV;
