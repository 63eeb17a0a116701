-- topic: characters beyond the BMP in expressions of tables that are made while the job runs
-- unfit: from mariadb to mysql: its dictionary tells such characters in defaults as question marks
-- phase: incremental
-- unfit: from mysql-5.6: it cannot read "('?'), g VARCHAR(30) AS (CONCAT(id,"
-- unfit: from mysql to mariadb: both dictionaries tell such characters otherwise, each in its way
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) DEFAULT ('😀'), g VARCHAR(30) AS (CONCAT(id, '😀')) STORED, CHECK (a <> '𝔘x'));
INSERT INTO t (id) VALUES (1);
ALTER TABLE t ADD b VARCHAR(5) DEFAULT ('𝔘');
