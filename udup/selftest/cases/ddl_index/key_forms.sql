-- topic: index options in odd places: USING before and after, visible, comments, parser, lengths in expressions
-- unfit: from mariadb: it cannot read "INVISIBLE COMMENT 'u', KEY (c(300)),"
-- unfit: from mysql-5.6: it cannot read "VISIBLE, UNIQUE INDEX u (b(10) ASC,"
-- then:
CREATE TABLE t (id INT, a VARCHAR(100), b VARCHAR(100) CHARACTER SET ascii, c BLOB, PRIMARY KEY USING BTREE (id) COMMENT 'pk', INDEX USING BTREE (a(5)) VISIBLE, UNIQUE INDEX u (b(10) ASC, a(3) DESC) USING BTREE INVISIBLE COMMENT 'u', KEY (c(300)), KEY e ((SUBSTRING(a, 1, 10))));
INSERT INTO t VALUES (1, 'a', 'b', 'c');
ALTER TABLE t ADD INDEX n USING HASH (a(7)), ALTER INDEX u VISIBLE;
