-- topic: an ALTER that cuts values, allowed by a lax session
-- session: sql_mode = ''
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20), b INT, c VARCHAR(10));
INSERT INTO t VALUES (1, 'long text', 300, '12abc'), (2, NULL, -5, NULL);
-- then:
ALTER TABLE t MODIFY a CHAR(3), MODIFY b TINYINT UNSIGNED;
ALTER TABLE t MODIFY c INT;
ALTER TABLE t MODIFY a VARCHAR(10) NOT NULL;
INSERT INTO t VALUES (3, 'abcdefghijklmn', 999, 'x');
