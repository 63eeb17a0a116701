-- topic: AUTO_INCREMENT as second column of a MyISAM key numbers within groups
CREATE TABLE g (grp VARCHAR(10) NOT NULL, id INT NOT NULL AUTO_INCREMENT, v INT, PRIMARY KEY (grp, id)) ENGINE=MyISAM;
INSERT INTO g (grp, v) VALUES ('a', 1), ('a', 2), ('b', 3);
-- then:
INSERT INTO g (grp, v) VALUES ('b', 4), ('c', 5), ('a', 6);
DELETE FROM g WHERE grp = 'a' AND id = 2;
