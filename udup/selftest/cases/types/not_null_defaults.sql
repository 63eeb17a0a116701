-- topic: NOT NULL without default, NULL into it in a lax session, over-long values cut
-- session: sql_mode = ''
CREATE TABLE t (id INT NOT NULL, a INT NOT NULL, b VARCHAR(3) NOT NULL, c ENUM('x', 'y') NOT NULL, d TINYINT, e BLOB NOT NULL);
INSERT INTO t (id) VALUES (1);
-- then:
INSERT INTO t VALUES (2, 'text', 'too long', 'z', 999, ''), (3, -1.5, '', '', -999, 'x');
UPDATE t SET b = NULL, a = NULL WHERE id = 2;
