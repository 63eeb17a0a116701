-- topic: MyISAM: keys, prefixes, full text, spatial, ROW_FORMAT; inserts, updates and deletes of keyed and keyless rows
CREATE TABLE k (id INT PRIMARY KEY, a VARCHAR(50), b BLOB, KEY (a), KEY (b(20))) ENGINE=MyISAM PACK_KEYS=1 CHECKSUM=1;
CREATE TABLE n (a INT, b VARCHAR(20)) ENGINE=MyISAM ROW_FORMAT=FIXED;
CREATE TABLE f (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, t TEXT, g GEOMETRY NOT NULL, FULLTEXT KEY (t), SPATIAL KEY (g)) ENGINE=MyISAM;
CREATE TABLE e (id INT PRIMARY KEY) ENGINE=MyISAM;
INSERT INTO k VALUES (1, 'a', x'00ff'), (2, NULL, NULL), (3, 'c', REPEAT('z', 3000));
INSERT INTO n VALUES (1, 'x'), (1, 'x'), (NULL, NULL);
INSERT INTO f (t, g) VALUES ('some words here', ST_GeomFromText('POINT(1 2)')), ('others', ST_GeomFromText('POINT(3 4)'));
-- then:
INSERT INTO k VALUES (4, 'd', '');
UPDATE k SET a = CONCAT(IFNULL(a, ''), '+'), b = 'new' WHERE id < 3;
DELETE FROM k WHERE id = 3;
INSERT INTO n VALUES (1, 'x'), (2, 'y');
UPDATE n SET b = 'changed' WHERE a = 1 LIMIT 1;
DELETE FROM n WHERE a IS NULL;
INSERT INTO f (t, g) VALUES ('third', ST_GeomFromText('POINT(5 6)'));
DELETE FROM f WHERE id = 1;
REPLACE INTO k VALUES (4, 'again', 'x'), (5, 'five', 'y');
CREATE TABLE made (id INT PRIMARY KEY) ENGINE=MyISAM;
INSERT INTO made VALUES (1), (2), (3);
TRUNCATE made;
INSERT INTO made VALUES (7);
-- error: 1062
INSERT INTO made VALUES (8), (9), (7), (10);
