-- topic: a literal beyond the BMP in a generated column, which the server prints as question marks
-- unfit: from mysql-5.6: it has no generated columns
-- unfit: from mariadb: its dictionary tells such characters
-- phase: copy
-- expect: refused four question marks
CREATE TABLE t (id INT PRIMARY KEY, g VARCHAR(30) AS (CONCAT(id, '😀')) STORED);
