-- topic: views that refer to what is gone are carried, follow what the log says of them, and are whole again with it
-- unfit: from mysql-5.6: a view that cannot be read stops the copy
-- phase: incremental
CREATE TABLE t (id INT PRIMARY KEY, a INT, `é``'x` INT);
CREATE TABLE u (id INT PRIMARY KEY, kept INT, lost INT);
CREATE FUNCTION f(n INT) RETURNS INT DETERMINISTIC RETURN n + 1;
CREATE ALGORITHM=MERGE SQL SECURITY INVOKER VIEW whole_again AS SELECT id, a, `é``'x`, 'quote '' \\ é' AS text FROM t WHERE a > 0 WITH LOCAL CHECK OPTION;
CREATE VIEW on_a_stale_view AS SELECT a FROM whole_again;
CREATE VIEW a_first AS SELECT a FROM on_a_stale_view;
CREATE VIEW of_a_function AS SELECT f(id) AS x FROM u;
CREATE VIEW of_a_column AS SELECT id, lost FROM u;
CREATE VIEW renamed AS SELECT id FROM t;
CREATE VIEW dropped AS SELECT id FROM t;
CREATE VIEW replaced AS SELECT id FROM t;
CREATE VIEW altered AS SELECT id FROM t;
CREATE DEFINER = nobody@nowhere SQL SECURITY INVOKER VIEW of_nobody AS SELECT id FROM t;
CREATE VIEW never_stale AS SELECT id FROM u;
DROP TABLE t;
DROP FUNCTION f;
ALTER TABLE u DROP COLUMN lost;
-- then:
RENAME TABLE renamed TO `new ``name`;
DROP VIEW dropped;
CREATE OR REPLACE VIEW replaced AS SELECT kept FROM u;
ALTER VIEW altered AS SELECT kept + 1 AS more FROM u;
INSERT INTO u VALUES (1, 2);
ALTER TABLE u ADD COLUMN lost VARCHAR(10);
CREATE FUNCTION f(n INT) RETURNS INT DETERMINISTIC RETURN n + 2;
CREATE TABLE t (id INT PRIMARY KEY, a INT, `é``'x` INT);
INSERT INTO t VALUES (1, 2, 3);
CREATE VIEW upon AS SELECT a FROM a_first;
