-- topic: CREATE TABLE LIKE, CREATE … SELECT with columns of its own, IGNORE, REPLACE, TABLE
-- counters: free
-- unfit: from mariadb: it cannot read "TABLE t"
-- unfit: from mysql-5.6: it has no generated columns
CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT, a VARCHAR(20) DEFAULT 'x' COMMENT 'c', b VARCHAR(30) AS (UPPER(a)) STORED, KEY (a)) COMMENT 'orig';
INSERT INTO t (a) VALUES ('one'), ('two'), ('two');
-- then:
CREATE TABLE l LIKE t;
CREATE TABLE IF NOT EXISTS l LIKE t;
INSERT INTO l (a) VALUES ('l');
CREATE TABLE s SELECT * FROM t;
CREATE TABLE s2 (n INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(5) NOT NULL, UNIQUE (a)) IGNORE SELECT a FROM t;
CREATE TABLE s3 (id INT PRIMARY KEY, a VARCHAR(20)) REPLACE AS SELECT id % 2 AS id, a FROM t;
CREATE TABLE s4 AS TABLE t;
CREATE TABLE s5 AS SELECT 1 AS one, 'x' AS txt, NOW(6) AS at, 1.5 AS dec1, NULL AS nothing, JSON_ARRAY(1) AS j, _binary 'b' AS b FROM t WHERE FALSE;
CREATE TABLE s6 AS VALUES ROW(1, 'a'), ROW(2, 'b');
CREATE TABLE s7 (LIKE t);
UPDATE s SET a = 'u';
