-- topic: PIPES_AS_CONCAT in generated columns, checks, defaults, views, triggers
-- session: sql_mode = 'PIPES_AS_CONCAT'
-- unfit: from mariadb: it cannot read "(a || 'k'))"
-- unfit: from mysql-5.6: it has no generated columns
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(10), g VARCHAR(30) AS (a || 'x' || id) STORED, d VARCHAR(10) DEFAULT ('p' || 'q'));
INSERT INTO t (id, a) VALUES (1, 'a');
-- then:
CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.a = NEW.a || '!';
CREATE VIEW v AS SELECT a || g AS c FROM t;
INSERT INTO t (id, a) VALUES (2, 'b');
ALTER TABLE t ADD KEY ((a || 'k'));
