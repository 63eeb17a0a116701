-- topic: many indexes of all kinds keep their order
-- unfit: to mariadb: a FULLTEXT index with a parser of its own is left out there, and told
-- unfit: from mariadb: it cannot read "0, UNIQUE KEY u2 (b), PRIMARY KEY (i"
-- unfit: from mysql-5.6: it cannot read "SRID 0, UNIQUE KEY u2 (b), PRIMARY K"
CREATE TABLE t (id INT, a INT, b VARCHAR(100), c TEXT, g GEOMETRY NOT NULL SRID 0, UNIQUE KEY u2 (b), PRIMARY KEY (id), KEY z (a), FULLTEXT KEY ft (c), UNIQUE KEY u1 (a, b), SPATIAL KEY sp (g), KEY p (c(20), b(5)), FULLTEXT KEY ft2 (b, c) WITH PARSER ngram COMMENT 'two') ;
INSERT INTO t VALUES (1, 1, 'one', 'some text', POINT(1, 2)), (2, 2, 'two', 'other words', POINT(3, 4));
-- then:
ALTER TABLE t ADD UNIQUE KEY a0 (id, a), ADD KEY a1 (b DESC), DROP KEY z, ADD KEY z (a, id);
INSERT INTO t VALUES (3, 3, 'three', 'third', ST_GeomFromText('LINESTRING(0 0, 1 1)'));
