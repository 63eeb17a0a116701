-- topic: texts of all planes, combining marks, non-characters, directions, in utf8mb4
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(100), b TEXT, c CHAR(20));
INSERT INTO t VALUES (1, 'Ä ö ü ß ñ é', 'Zażółć gęślą jaźń 中文字符 日本語 한국어', 'עברית'), (2, '😀👩‍👩‍👧‍👦🏳️‍🌈', REPEAT('𝔘', 100), 'e\u0301');
-- then:
INSERT INTO t VALUES (3, CONVERT(0xEFBFBF USING utf8mb4), CONVERT(0xF48FBFBF USING utf8mb4), CONVERT(0xC280 USING utf8mb4)), (4, 'é', 'é', CONVERT(0xE28080E280A8E280A9 USING utf8mb4));
UPDATE t SET a = REVERSE(a), b = UPPER(b) WHERE id <= 2;
