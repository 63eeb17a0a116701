-- topic: a foreign key that references columns which are not unique
-- session: restrict_fk_on_non_standard_key = OFF
-- unfit: from mariadb, mysql-5.6: it has no variable restrict_fk_on_non_standard_key
CREATE TABLE p (id INT PRIMARY KEY, g INT, KEY (g));
CREATE TABLE c (id INT PRIMARY KEY, g INT, FOREIGN KEY (g) REFERENCES p (g));
INSERT INTO p VALUES (1, 1), (2, 1);
INSERT INTO c VALUES (1, 1);
-- then:
INSERT INTO c VALUES (2, 1);
CREATE TABLE d (id INT PRIMARY KEY, g INT, FOREIGN KEY (g) REFERENCES p (g) ON DELETE CASCADE);
INSERT INTO d VALUES (1, 1);
