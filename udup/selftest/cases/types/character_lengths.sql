-- topic: CHAR and VARCHAR of every length class: 0, 1, 255, 256, 1000 bytes and more
CREATE TABLE t (id INT PRIMARY KEY, a CHAR(0), b CHAR(1), c CHAR(63), d CHAR(64), e CHAR(255), f VARCHAR(0), g VARCHAR(63), h VARCHAR(64), i VARCHAR(255), j VARCHAR(256), k BINARY(0), l BINARY(255), m VARBINARY(256), n CHAR(255) CHARACTER SET latin1, o CHAR(255) CHARACTER SET utf32);
INSERT INTO t VALUES (1, '', 'a', REPEAT('b', 63), REPEAT('😀', 64), REPEAT('😀', 255), '', REPEAT('😀', 63), REPEAT('😀', 64), REPEAT('ü', 255), REPEAT('x', 256), '', REPEAT('y', 255), REPEAT('z', 256), REPEAT('ä', 255), REPEAT('😀', 255));
-- then:
INSERT INTO t VALUES (2, NULL, '', '', '', '', NULL, '', '', '', '', NULL, '', '', '', '');
UPDATE t SET e = REPEAT('c', 85), i = 'short', o = 'ü' WHERE id = 1;
