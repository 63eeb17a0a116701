-- topic: cascades and triggers on both sides, views with a check option, an invisible index beside the key
-- unfit: from mariadb, mysql-5.6: it cannot read "INVISIBLE)"
CREATE TABLE parent (id INT PRIMARY KEY, a INT, KEY hidden (a, id) INVISIBLE);
CREATE TABLE child (id INT PRIMARY KEY, parent_id INT, FOREIGN KEY (parent_id) REFERENCES parent (id) ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE grave (id INT PRIMARY KEY AUTO_INCREMENT, child_id INT);
CREATE TRIGGER buried AFTER DELETE ON child FOR EACH ROW INSERT INTO grave (child_id) VALUES (OLD.id);
CREATE VIEW young AS SELECT id, a FROM parent WHERE a < 100 WITH CASCADED CHECK OPTION;
INSERT INTO parent WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 90) SELECT i, i FROM n;
INSERT INTO child SELECT id, id FROM parent;
-- then:
DELETE FROM parent WHERE id < 6;
UPDATE parent SET id = 1000 WHERE id = 7;
DELETE FROM child WHERE id = 8;
CREATE VIEW younger AS SELECT id, a FROM young WHERE a < 50 WITH LOCAL CHECK OPTION;
INSERT INTO younger VALUES (2000, 1);
