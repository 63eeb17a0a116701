-- topic: statements in sql_mode ORACLE
-- unfit: from mysql: it has no such mode
-- unfit: from mariadb to mysql: a statement of that mode in the log stops the job
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20));
-- then:
SET sql_mode = 'ORACLE';
INSERT INTO t VALUES (1, 'x' || 'y');
DELIMITER //
CREATE OR REPLACE PROCEDURE p (n IN INT) AS
BEGIN
  INSERT INTO t VALUES (n, 'p' || n);
END//
CALL p(2)//
CREATE TABLE u (id NUMBER(10) PRIMARY KEY, a VARCHAR2(10))//
INSERT INTO u VALUES (1, 'x')//
