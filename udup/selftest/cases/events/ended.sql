-- topic: events whose end has passed, which the source still has as its scheduler did not run meanwhile
SET timestamp = UNIX_TIMESTAMP('2020-01-01 00:00:00');
CREATE EVENT ended ON SCHEDULE EVERY 1 DAY STARTS '2020-01-01 00:00:00' ENDS '2020-02-01 00:00:00' DISABLE DO SET @a = 1;
CREATE EVENT once ON SCHEDULE AT '2020-01-05 00:00:00' DISABLE COMMENT 'é' DO SET @a = 1;
CREATE EVENT kept ON SCHEDULE AT '2020-01-05 00:00:00' ON COMPLETION PRESERVE DISABLE DO SET @a = 1;
SET timestamp = DEFAULT;
-- then:
ALTER EVENT ended COMMENT 'looked at';
