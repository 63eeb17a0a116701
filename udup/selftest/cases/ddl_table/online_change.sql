-- topic: what an online schema change tool does: shadow table, copy, triggers, swap by RENAME, drop
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(20));
INSERT INTO t (a) VALUES ('x'), ('y'), ('z');
-- then:
CREATE TABLE _t_new LIKE t;
ALTER TABLE _t_new ADD COLUMN b INT DEFAULT 3, MODIFY a VARCHAR(100);
CREATE TRIGGER pt_ins AFTER INSERT ON t FOR EACH ROW REPLACE INTO _t_new (id, a) VALUES (NEW.id, NEW.a);
CREATE TRIGGER pt_del AFTER DELETE ON t FOR EACH ROW DELETE IGNORE FROM _t_new WHERE id <=> OLD.id;
INSERT INTO t (a) VALUES ('later');
INSERT LOW_PRIORITY IGNORE INTO _t_new (id, a) SELECT id, a FROM t FORCE INDEX (PRIMARY) WHERE id BETWEEN 1 AND 100 LOCK IN SHARE MODE;
DELETE FROM t WHERE id = 2;
DROP TRIGGER pt_ins;
DROP TRIGGER pt_del;
RENAME TABLE t TO _t_old, _t_new TO t;
DROP TABLE IF EXISTS _t_old;
INSERT INTO t (a, b) VALUES ('after', 4);
