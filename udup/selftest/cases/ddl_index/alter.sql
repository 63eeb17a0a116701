-- topic: ADD and DROP of keys by ALTER TABLE, several at once, unnamed ones
-- unfit: from mysql-5.6: error 1105: ORDER BY ignored as there is a user-defined clustered index in the table 't'
CREATE TABLE t (id INT, a INT, b VARCHAR(30));
INSERT INTO t VALUES (1, 1, 'x'), (2, 2, 'y');
-- then:
ALTER TABLE t ADD PRIMARY KEY USING BTREE (id), ADD KEY (a), ADD INDEX (a), ADD UNIQUE (b), ADD UNIQUE KEY named (b, a), ADD FULLTEXT (b);
ALTER TABLE t DROP KEY a, DROP INDEX named, DISABLE KEYS;
ALTER TABLE t ENABLE KEYS, ADD CONSTRAINT uc UNIQUE (a, b);
INSERT INTO t VALUES (3, 3, 'z');
ALTER TABLE t ORDER BY a DESC;
