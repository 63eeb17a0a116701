-- topic: a MERGE table that the source itself cannot open
-- phase: copy
-- expect: refused drop it or leave it out
CREATE TABLE m1 (id INT) ENGINE=MyISAM;
CREATE TABLE m (id BIGINT) ENGINE=MERGE UNION=(m1);
