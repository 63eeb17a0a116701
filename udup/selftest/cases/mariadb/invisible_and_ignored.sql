-- topic: invisible columns, ignored indexes, descending keys
-- unfit: from mysql: its own words
-- unfit: from mariadb-10.5: it has no IGNORED indexes
CREATE TABLE t (id INT PRIMARY KEY, a INT INVISIBLE DEFAULT 5, b VARCHAR(10), KEY k (b) IGNORED, KEY d (a DESC));
INSERT INTO t VALUES (1, 'x');
-- then:
INSERT INTO t (id, a, b) VALUES (2, 20, 'y');
ALTER TABLE t ALTER INDEX k NOT IGNORED;
ALTER TABLE t MODIFY b VARCHAR(10) INVISIBLE DEFAULT 'q';
INSERT INTO t VALUES (3);
