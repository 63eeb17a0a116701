-- topic: lc_time_names, div_precision_increment, group_concat_max_len in CREATE … SELECT
-- session: lc_time_names = 'fr_FR', div_precision_increment = 10
-- unfit: from mysql-5.6: CREATE … SELECT is forbidden where GTIDs must be consistent
CREATE TABLE t SELECT MONTHNAME('2026-08-01') AS m, 1 / 3 AS d;
-- then:
CREATE TABLE u SELECT DAYNAME('2026-08-01') AS m, DATE_FORMAT('2026-08-01', '%M') AS n, 2 / 7 AS d;
ALTER TABLE t ADD e VARCHAR(20) DEFAULT 'août';
