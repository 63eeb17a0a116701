-- topic: NO_BACKSLASH_ESCAPES: a backslash is a character like any other
-- session: sql_mode = 'NO_BACKSLASH_ESCAPES'
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) DEFAULT '\' COMMENT 'c:\dir\', b ENUM('\', 'x\''y'));
INSERT INTO t VALUES (1, '\', '\');
-- then:
CREATE TABLE u (a VARCHAR(10) DEFAULT '\n' COMMENT '\') COMMENT '\\';
ALTER TABLE t ADD c VARCHAR(5) DEFAULT '\''', COMMENT 'end\';
INSERT INTO t VALUES (2, '\n', 'x\''y', 'z');
INSERT INTO u VALUES (DEFAULT), ('\0');
