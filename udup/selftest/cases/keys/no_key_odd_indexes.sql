-- topic: rows found by the only index: prefix, descending, functional, multi-valued, FULLTEXT, invisible, SPATIAL (inserts)
-- unfit: from mariadb: it cannot read "0, SPATIAL KEY (g))"
-- unfit: from mysql-5.6: it cannot read "SRID 0, SPATIAL KEY (g))"
CREATE TABLE a (id INT, g POINT NOT NULL SRID 0, SPATIAL KEY (g));
CREATE TABLE b (id INT, s VARCHAR(50), KEY (s(3) DESC));
CREATE TABLE c (id INT, s VARCHAR(50), t TEXT, UNIQUE KEY (s(3) DESC, id));
CREATE TABLE d (id INT, s VARCHAR(50) NOT NULL, UNIQUE KEY (s(3)));
CREATE TABLE e (id INT, s TEXT NOT NULL, FULLTEXT KEY (s));
CREATE TABLE f (id INT, j JSON, KEY k ((CAST(j AS UNSIGNED ARRAY))));
CREATE TABLE h (id INT, j INT, KEY k ((id + j)));
CREATE TABLE i (id INT, j INT, KEY k (j) INVISIBLE);
CREATE TABLE k (id INT, j INT AS (id * 2) VIRTUAL, KEY (j));
CREATE TABLE l (id INT, s VARCHAR(50), KEY (s DESC));
INSERT INTO a VALUES (1, POINT(1,1)), (2, POINT(2,2));
-- then:
INSERT INTO a VALUES (3, POINT(1,1)), (4, POINT(2,2)), (5, POINT(5,5));
INSERT INTO b VALUES (1, 'abcd'), (2, 'abce'), (3, NULL), (4, 'x');
UPDATE b SET id = id + 10;
UPDATE b SET s = 'abcz' WHERE id < 13;
DELETE FROM b WHERE id IN (11, 13);
INSERT INTO c VALUES (1, 'abcd', 'x'), (2, 'abce', 'x'), (3, NULL, NULL), (NULL, 'x', 'y');
UPDATE c SET t = 'n';
UPDATE c SET id = id + 5;
DELETE FROM c WHERE s = 'abcd';
INSERT INTO d VALUES (1, 'abcd'), (2, 'abde');
UPDATE d SET id = 5;
DELETE FROM d LIMIT 1;
INSERT INTO e VALUES (1, 'abcd'), (2, 'abde');
UPDATE e SET id = 5;
DELETE FROM e LIMIT 1;
INSERT INTO f VALUES (1, '[1,2]'), (2, '[2,3]'), (3, '[]'), (4, NULL);
UPDATE f SET id = id + 10;
UPDATE f SET j = '[7]' WHERE id < 13;
DELETE FROM f LIMIT 2;
INSERT INTO h VALUES (1, 1), (2, 2), (3, NULL);
UPDATE h SET id = id + 10;
DELETE FROM h LIMIT 2;
INSERT INTO i VALUES (1, 1), (2, 2), (3, NULL);
UPDATE i SET id = id + 10;
DELETE FROM i LIMIT 2;
INSERT INTO k (id) VALUES (1), (2), (3);
UPDATE k SET id = id + 10;
DELETE FROM k LIMIT 2;
INSERT INTO l VALUES (1, 'abcd'), (2, 'abce'), (3, NULL), (4, 'x');
UPDATE l SET id = id + 10, s = CONCAT(s, 'u');
DELETE FROM l WHERE id IN (11, 13);
