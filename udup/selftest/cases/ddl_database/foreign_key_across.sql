-- topic: a foreign key between two databases of the job
CREATE DATABASE conf_parent;
CREATE TABLE conf_parent.p (id INT PRIMARY KEY);
CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES conf_parent.p (id) ON DELETE CASCADE);
INSERT INTO conf_parent.p VALUES (1), (2);
INSERT INTO c VALUES (1, 1), (2, 2);
-- then:
DELETE FROM conf_parent.p WHERE id = 1;
USE conf_parent;
CREATE TABLE q (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id));
INSERT INTO q VALUES (1, 2);
