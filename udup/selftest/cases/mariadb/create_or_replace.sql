-- topic: CREATE OR REPLACE of tables, with and without a SELECT; CREATE … SELECT
-- unfit: from mariadb to mysql: CREATE OR REPLACE TABLE in the log stops the job, in words
-- unfit: from mysql: it has no CREATE OR REPLACE TABLE
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(10));
INSERT INTO t VALUES (1, 'x'), (2, 'y');
-- then:
CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b INT DEFAULT 7);
INSERT INTO t (id, a) VALUES (3, 'after');
CREATE OR REPLACE TABLE u (PRIMARY KEY (id)) SELECT id, a FROM t;
CREATE TABLE v AS SELECT id + 1 AS id, CONCAT(a, '!') AS a FROM t;
CREATE OR REPLACE TABLE v LIKE t;
INSERT INTO v VALUES (1, 'v', 1);
CREATE OR REPLACE DATABASE mariadb_replaced;
CREATE TABLE mariadb_replaced.w (id INT PRIMARY KEY);
INSERT INTO mariadb_replaced.w VALUES (1);
