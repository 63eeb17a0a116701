-- topic: string forms in definitions: introducers, hexadecimal, bit, national, concatenated, escapes
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) DEFAULT _latin1 x'E4', b VARCHAR(20) DEFAULT N'nat', c VARCHAR(20) DEFAULT 'a' 'b', d VARBINARY(5) DEFAULT 0xFF00, e BIT(5) DEFAULT b'10101', f INT DEFAULT 0x10, g VARCHAR(20) DEFAULT "dq", h VARCHAR(50) DEFAULT 'tab\tnl\nq\'bs\\pct\%us\_z\Z');
INSERT INTO t (id) VALUES (1);
-- then:
ALTER TABLE t ADD i VARCHAR(10) DEFAULT _utf16 x'00FC', ADD j VARCHAR(10) COMMENT 'two' , COMMENT "it's ""quoted"" \"here\"";
INSERT INTO t (id) VALUES (2);
CREATE TABLE u (a CHAR(1) DEFAULT '\0', b CHAR(2) DEFAULT '\r\n', c VARCHAR(5) DEFAULT '''''', d VARCHAR(5) DEFAULT '`');
INSERT INTO u VALUES ();
