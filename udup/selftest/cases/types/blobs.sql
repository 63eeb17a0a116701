-- topic: every BLOB and TEXT type, empty, at the type's limit, of some MB
CREATE TABLE t (id INT PRIMARY KEY, a TINYBLOB, b BLOB, c MEDIUMBLOB, d LONGBLOB, e TINYTEXT, f TEXT, g MEDIUMTEXT, h LONGTEXT);
INSERT INTO t VALUES (1, '', '', '', '', '', '', '', ''), (2, REPEAT(x'00', 255), REPEAT('\\', 65535), REPEAT('''', 70000), REPEAT(x'FF', 3000000), REPEAT('e', 255), REPEAT('ü', 32767), REPEAT('😀', 20000), REPEAT('0123456789', 300000));
-- then:
INSERT INTO t VALUES (3, REPEAT(x'5C', 255), REPEAT(x'00', 65535), REPEAT(x'1A', 100000), REPEAT(x'DEADBEEF', 500000), 'e', 'f', 'g', 'h');
UPDATE t SET d = CONCAT(d, 'x'), h = CONCAT('x', h) WHERE id = 2;
DELETE FROM t WHERE id = 1;
