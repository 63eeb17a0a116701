-- topic: one transaction over several tables with foreign keys, then one that is rolled back
CREATE TABLE p (id INT PRIMARY KEY);
CREATE TABLE c (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES p (id) ON DELETE CASCADE ON UPDATE CASCADE);
-- then:
BEGIN;
INSERT INTO p VALUES (1), (2), (3);
INSERT INTO c VALUES (10, 1), (20, 2), (30, 3);
COMMIT;
UPDATE p SET id = 9 WHERE id = 1;
DELETE FROM p WHERE id = 2;
BEGIN;
DELETE FROM c;
ROLLBACK;
