-- topic: views made by clients of other character sets, with literals in them
SET NAMES latin1;
CREATE VIEW l AS SELECT 'äöü' AS a, _utf8mb4 x'F09F9880' AS e;
-- then:
SET NAMES gbk;
CREATE VIEW g AS SELECT '中文' AS `中`;
SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci;
CREATE VIEW u AS SELECT 'ü中' AS a;
SET sql_mode = 'ANSI_QUOTES,PIPES_AS_CONCAT';
CREATE VIEW q AS SELECT 'a' || 'b' AS "quoted""name";
