-- topic: rows written under odd session settings: sql_mode, time zone, character set, foreign keys, unique checks off
-- session: sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,NO_ZERO_DATE', unique_checks = 0, time_zone = '-12:34'
CREATE TABLE t (id INT PRIMARY KEY, a CHAR(10), b BINARY(5), c TIMESTAMP DEFAULT CURRENT_TIMESTAMP, d VARCHAR(5) UNIQUE);
INSERT INTO t (id, a, b, d) VALUES (1, 'x', 'y', 'z'), (2, 'x ', 'y ', 'z1');
-- then:
INSERT INTO t (id, a, b, d) VALUES (3, '', '', ''), (4, ' ', ' ', NULL);
UPDATE t SET a = 'u ', d = CONCAT(d, ' ') WHERE a = 'x';
DELETE FROM t WHERE a = '';
SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH';
DELETE FROM t WHERE id = 4;
