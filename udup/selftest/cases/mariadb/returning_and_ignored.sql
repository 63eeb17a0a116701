-- topic: statements of MariaDB's own that change rows: RETURNING, DELETE from several, FOR PORTION, LIMIT ROWS EXAMINED
-- unfit: from mariadb to mysql: its statements are not MySQL's, and the first of them in the log stops the job
-- unfit: from mysql: its own words
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(20));
INSERT INTO t (a) VALUES ('x'), ('y'), ('z');
-- then:
INSERT INTO t (a) VALUES ('r'), ('s') RETURNING id, a;
REPLACE INTO t VALUES (2, 'replaced') RETURNING a;
DELETE FROM t WHERE id = 1 RETURNING a;
INSERT INTO t (a) SELECT CONCAT(a, '2') FROM t RETURNING id;
SET STATEMENT sql_mode = 'ANSI_QUOTES' FOR INSERT INTO t (a) VALUES ('of a statement');
CREATE INDEX IF NOT EXISTS k ON t (a);
ALTER TABLE t ADD COLUMN IF NOT EXISTS b INT, DROP COLUMN IF EXISTS never;
ALTER TABLE t WAIT 5 ADD COLUMN c INT DEFAULT 1;
DROP INDEX IF EXISTS k ON t;
