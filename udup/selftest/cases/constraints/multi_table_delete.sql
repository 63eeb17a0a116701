-- topic: multi-table UPDATE and DELETE with cascades in one statement
CREATE TABLE p (id INT PRIMARY KEY, v INT);
CREATE TABLE c (id INT PRIMARY KEY, p INT, v INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE g (id INT PRIMARY KEY, c INT, FOREIGN KEY (c) REFERENCES c (id) ON DELETE SET NULL);
INSERT INTO p VALUES (1, 1), (2, 2), (3, 3), (4, 4);
INSERT INTO c VALUES (10, 1, 1), (20, 2, 2), (30, 3, 3), (31, 3, 4);
INSERT INTO g VALUES (100, 10), (200, 20), (300, 30);
-- then:
DELETE p, c FROM p JOIN c ON c.p = p.id WHERE p.v = 1;
UPDATE p JOIN c ON c.p = p.id SET p.v = 50, c.v = 60 WHERE p.id = 2;
DELETE FROM p WHERE id > 2;
INSERT INTO p VALUES (9, 9);
UPDATE c SET p = 9;
UPDATE p SET id = 99 WHERE id = 9;
