-- topic: a table whose columns are all in different character sets, with keys across them
CREATE TABLE t (a VARCHAR(10) CHARACTER SET latin1, b VARCHAR(10) CHARACTER SET gbk, c VARCHAR(10) CHARACTER SET utf16, d VARCHAR(10) CHARACTER SET sjis COLLATE sjis_bin, e CHAR(5) CHARACTER SET ucs2, f TEXT CHARACTER SET koi8r, g VARCHAR(10) CHARACTER SET binary, h ENUM('ä', 'ß') CHARACTER SET latin1, i SET('中', '文') CHARACTER SET big5, j LONGTEXT CHARACTER SET utf32, PRIMARY KEY (a, b, c), UNIQUE KEY (d, e)) DEFAULT CHARSET greek;
INSERT INTO t VALUES ('ä', '中', '😀', 'ソ', 'ü', 'Я', x'FF', 'ß', '中,文', '😀');
-- then:
INSERT INTO t VALUES ('a', '文', 'ü', '表', '中', 'я', '', 'ä', '文', REPEAT('x', 1000)), ('B ', '文', 'ü', NULL, NULL, NULL, NULL, NULL, '', NULL);
ALTER TABLE t ADD k VARCHAR(10), ADD l VARCHAR(10) COLLATE latin2_czech_cs;
UPDATE t SET k = 'Ω', l = 'č' WHERE a = 'ä';
