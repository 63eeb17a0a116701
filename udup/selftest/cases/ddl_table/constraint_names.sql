-- topic: names of constraints given by the server and by hand, after renames
-- unfit: from mariadb-10: it prints a key's name with a backtick in it so that no server can read it
CREATE TABLE p (id INT PRIMARY KEY);
CREATE TABLE c (id INT PRIMARY KEY, a INT CHECK (a > 0), FOREIGN KEY (a) REFERENCES p (id), UNIQUE (a));
-- then:
RENAME TABLE c TO d;
ALTER TABLE d ADD CHECK (id > 0), ADD FOREIGN KEY (id) REFERENCES p (id);
CREATE TABLE c (id INT, CONSTRAINT CHECK (id <> 3), CONSTRAINT `odd ``name` FOREIGN KEY (id) REFERENCES p (id));
ALTER TABLE p RENAME TO q;
INSERT INTO q VALUES (1);
INSERT INTO c VALUES (1);
INSERT INTO d VALUES (1, 1);
