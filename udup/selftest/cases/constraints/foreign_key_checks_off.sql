-- topic: rows without parents, and parents made later, with foreign_key_checks = 0
SET foreign_key_checks = 0;
CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id));
INSERT INTO c VALUES (1, 5), (2, 6);
-- then:
CREATE TABLE p (id INT PRIMARY KEY);
INSERT INTO p VALUES (5);
INSERT INTO c VALUES (3, 77);
DELETE FROM p WHERE id = 5;
DROP TABLE p;
CREATE TABLE p (id INT PRIMARY KEY, x INT);
SET foreign_key_checks = 1;
INSERT INTO p VALUES (6, 6), (77, 7), (5, 5);
