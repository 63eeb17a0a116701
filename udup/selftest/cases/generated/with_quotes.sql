-- topic: expressions that hold quotes, commas, parentheses, backslashes, comments and key words
-- unfit: from mysql-5.6: it cannot read "AS (CONCAT(a, ',)(', '''', "\"", '\\"
-- refused: from mariadb-11 to mariadb-10: does not log the values of stored generated columns
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(50) DEFAULT 'a,b)(''\\', g VARCHAR(200) AS (CONCAT(a, ',)(', '''', "\"", '\\', '/* no */', '-- no', 'PRIMARY KEY (')) STORED, h INT AS ((CASE WHEN (a = ')') THEN 1 ELSE 2 END)) VIRTUAL, KEY h (h), CHECK (a <> 'KEY `x` (`y`),'));
INSERT INTO t (id) VALUES (1);
-- then:
INSERT INTO t (id, a) VALUES (2, ')'), (3, NULL);
UPDATE t SET a = CONCAT(a, '\'') WHERE id = 1;
