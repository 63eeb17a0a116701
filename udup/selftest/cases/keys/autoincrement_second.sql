-- topic: AUTO_INCREMENT on a column that leads another key than the primary one
CREATE TABLE t (p VARCHAR(10), n INT UNSIGNED NOT NULL AUTO_INCREMENT, PRIMARY KEY (p, n), UNIQUE KEY n (n)) AUTO_INCREMENT = 100;
INSERT INTO t (p) VALUES ('a'), ('b'), ('a');
-- then:
INSERT INTO t (p) VALUES ('a');
INSERT INTO t VALUES ('c', 500);
INSERT INTO t (p) VALUES ('d');
