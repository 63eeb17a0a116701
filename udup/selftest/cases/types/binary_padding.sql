-- topic: BINARY pads with zeros, VARBINARY does not, and both are keys; trailing spaces and zeros are kept
CREATE TABLE t (k BINARY(4), v VARBINARY(4), w BINARY(255), x VARBINARY(300), PRIMARY KEY (k, v));
INSERT INTO t VALUES ('a', 'a', 'a', ''), ('a', x'6100', 'a ', x'00'), (x'61000001', '', x'00', x'20');
-- then:
INSERT INTO t VALUES ('', '', '', NULL), (x'00000000', x'00', NULL, x'0000'), (x'FFFFFFFF', x'FFFFFFFF', REPEAT(x'FF', 255), REPEAT(x'00', 300));
UPDATE t SET w = 'b', x = CONCAT(x, ' ') WHERE k = x'61000000' AND v = 'a';
DELETE FROM t WHERE k = x'00000000' AND v = x'00';
