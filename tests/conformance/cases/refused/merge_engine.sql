-- topic: a MERGE table shows the rows of others
-- phase: copy
-- expect: refused make it by hand
CREATE TABLE m (id INT) ENGINE=MERGE UNION=();
