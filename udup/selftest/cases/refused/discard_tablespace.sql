-- topic: DISCARD TABLESPACE takes files away
-- phase: incremental
-- expect: refused files are not carried
CREATE TABLE t (id INT PRIMARY KEY);
-- then:
ALTER TABLE t DISCARD TABLESPACE;
