-- topic: sql_require_primary_key in the session that makes the tables
-- session: sql_require_primary_key = ON
-- unfit: from mariadb, mysql-5.6: it has no variable sql_require_primary_key
CREATE TABLE t (id INT PRIMARY KEY);
-- then:
CREATE TABLE u (id INT, PRIMARY KEY (id));
-- error: 3750
CREATE TABLE w (id INT);
SET sql_require_primary_key = OFF;
CREATE TABLE w (id INT);
ALTER TABLE w ADD a INT;
INSERT INTO w VALUES (1, 1), (1, 1);
