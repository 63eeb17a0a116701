-- topic: events keep their session's time zone, sql_mode and character sets
-- session: time_zone = '+02:00', sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'
CREATE EVENT a ON SCHEDULE EVERY 1 MONTH STARTS '2030-01-01 00:00:00' DO SELECT '\' AS "q";
-- then:
SET NAMES gbk;
SET time_zone = '-11:30';
CREATE EVENT b ON SCHEDULE EVERY 1 MONTH STARTS '2030-01-01 00:00:00' DO SELECT '中';
ALTER EVENT a RENAME TO c;
