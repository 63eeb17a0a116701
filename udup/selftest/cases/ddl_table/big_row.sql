-- topic: rows near the limits: 65,535 bytes of columns, many long values off the page
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(16000), b VARCHAR(1400) CHARACTER SET latin1) DEFAULT CHARSET utf8mb4;
CREATE TABLE u (a VARBINARY(65532)) ;
INSERT INTO t VALUES (1, REPEAT('😀', 16000), REPEAT('x', 381));
INSERT INTO u VALUES (REPEAT(x'5C', 65532));
-- then:
INSERT INTO t VALUES (2, REPEAT('a', 16000), ''), (3, '', NULL);
UPDATE t SET a = REPEAT('''', 16000) WHERE id = 3;
INSERT INTO u VALUES (REPEAT(x'00', 65532)), ('');
