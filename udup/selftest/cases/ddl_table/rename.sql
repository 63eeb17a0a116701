-- topic: RENAME of one, several, in a ring, by ALTER; rows in between
CREATE TABLE a (id INT PRIMARY KEY, w VARCHAR(5));
CREATE TABLE b (id INT PRIMARY KEY, w VARCHAR(5), KEY (w));
INSERT INTO a VALUES (1, 'a');
INSERT INTO b VALUES (1, 'b');
-- then:
RENAME TABLE a TO swap, b TO a, swap TO b;
INSERT INTO a VALUES (2, 'b2');
INSERT INTO b VALUES (2, 'a2');
ALTER TABLE a RENAME TO c;
ALTER TABLE c RENAME AS `odd name.with``quote`;
UPDATE `odd name.with``quote` SET w = 'u';
RENAME TABLES `odd name.with``quote` TO a;
ALTER TABLE a RENAME = d, ADD COLUMN n INT;
INSERT INTO d VALUES (5, 'n', 5);
