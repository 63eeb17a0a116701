-- topic: routines keep the character sets, the sql_mode and the schema's collation that they were made under
SET NAMES latin1;
SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,IGNORE_SPACE';
CREATE PROCEDURE l() SELECT 'äöü', _utf8mb4'x';
-- then:
SET NAMES gbk;
SET sql_mode = 'TRADITIONAL';
CREATE PROCEDURE g() SELECT '中';
SET NAMES utf8mb4 COLLATE utf8mb4_general_ci;
SET collation_connection = utf8mb4_bin;
CREATE FUNCTION u(a VARCHAR(5)) RETURNS TEXT DETERMINISTIC RETURN CONCAT(a, '😀');
