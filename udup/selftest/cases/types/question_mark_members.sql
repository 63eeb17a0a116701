-- topic: members of ENUM and SET that are question marks
CREATE TABLE t (id INT PRIMARY KEY, e ENUM('?', 'yes', 'no??'), s SET('?', 'x'));
INSERT INTO t VALUES (1, '?', '?,x');
-- then:
INSERT INTO t VALUES (2, 'no??', '?'), (3, 'yes', NULL);
