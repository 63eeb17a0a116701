-- topic: a table that is empty now and was not: its counter stays
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a INT);
CREATE TABLE n (a INT, id SMALLINT NOT NULL AUTO_INCREMENT, KEY (id)) AUTO_INCREMENT = 300;
INSERT INTO t (a) VALUES (1), (2), (3);
DELETE FROM t;
-- then:
INSERT INTO n (a) VALUES (1);
DELETE FROM n;
ALTER TABLE t COMMENT 'still empty';
