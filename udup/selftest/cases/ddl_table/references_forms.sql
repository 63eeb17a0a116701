-- topic: REFERENCES in a column's own definition, by name alone, MATCH, SET DEFAULT forms
-- unfit: from mariadb: error 1005: Can't create table `c120`.`b` (errno: 150 "Foreign key constraint is incorrectly
-- unfit: to mariadb: it takes no REFERENCES without columns, and the job says so
CREATE TABLE p (id INT PRIMARY KEY, b INT, UNIQUE (b));
INSERT INTO p VALUES (1, 1);
-- then:
CREATE TABLE a (id INT PRIMARY KEY, p INT REFERENCES p (id));
CREATE TABLE b (id INT PRIMARY KEY, p INT REFERENCES p ON DELETE CASCADE);
CREATE TABLE c (id INT PRIMARY KEY, p INT, CONSTRAINT FOREIGN KEY fk (p) REFERENCES p (b) MATCH SIMPLE ON UPDATE NO ACTION);
INSERT INTO a VALUES (1, 1);
INSERT INTO c VALUES (1, 1);
