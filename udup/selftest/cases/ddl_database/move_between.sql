-- topic: tables move between two databases of the job, by RENAME and by ALTER; LIKE and SELECT across
-- unfit: from mysql-5.6: CREATE … SELECT is forbidden where GTIDs must be consistent
CREATE DATABASE conf_move_a;
CREATE DATABASE conf_move_b CHARACTER SET latin1;
CREATE TABLE conf_move_a.t (id INT PRIMARY KEY, a VARCHAR(5));
CREATE TABLE conf_move_a.u (id INT PRIMARY KEY);
INSERT INTO conf_move_a.t VALUES (1, 'a');
-- then:
RENAME TABLE conf_move_a.t TO conf_move_b.t, conf_move_a.u TO conf_move_a.w;
INSERT INTO conf_move_b.t VALUES (2, 'b');
ALTER TABLE conf_move_b.t RENAME conf_move_a.t2;
UPDATE conf_move_a.t2 SET a = 'c';
USE conf_move_b;
CREATE TABLE l LIKE conf_move_a.t2;
CREATE TABLE s SELECT * FROM conf_move_a.t2;
CREATE VIEW v AS SELECT t2.* FROM conf_move_a.t2 JOIN l USING (id);
BEGIN;
INSERT INTO conf_move_a.w VALUES (1);
INSERT INTO l VALUES (5, 'x');
COMMIT;
