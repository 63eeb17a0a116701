-- topic: MERGE: its rows come with the tables that it shows, once; what is written through it arrives
CREATE TABLE m1 (id INT NOT NULL, a VARCHAR(20), KEY (id)) ENGINE=MyISAM;
CREATE TABLE m2 LIKE m1;
CREATE TABLE allof (id INT NOT NULL, a VARCHAR(20), KEY (id)) ENGINE=MERGE UNION=(m1, m2) INSERT_METHOD=LAST;
CREATE TABLE d1 (id INT NOT NULL, f FLOAT(7,2), d DOUBLE(10,3), KEY (id)) ENGINE=MyISAM;
CREATE TABLE dall (id INT NOT NULL, f FLOAT(7,2), d DOUBLE(10,3), KEY (id)) ENGINE=MERGE UNION=(d1);
INSERT INTO d1 VALUES (1, 1.25, 2.125);
CREATE TABLE nothing (id INT) ENGINE=MERGE UNION=();
INSERT INTO m1 VALUES (1, 'one'), (2, 'two');
INSERT INTO allof VALUES (3, 'three');
-- then:
INSERT INTO m1 VALUES (4, 'four');
INSERT INTO allof VALUES (5, 'five'), (6, 'six');
UPDATE allof SET a = CONCAT(a, '+') WHERE id IN (1, 5);
DELETE FROM allof WHERE id = 2;
CREATE TABLE m3 LIKE m1;
ALTER TABLE allof UNION=(m1, m2, m3);
INSERT INTO allof VALUES (7, 'seven');
