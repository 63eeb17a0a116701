-- topic: words of sql_mode that change what an expression yields, session by session
-- refused: to mariadb: cannot be used in the GENERATED ALWAYS AS clause
-- phase: incremental
-- unfit: from mariadb: it cannot read "(STR_TO_DATE(s, '%Y-%m-%d'))) )"
-- unfit: from mysql-5.6: it has no generated columns
CREATE TABLE t (
  id INT PRIMARY KEY, s VARCHAR(30), u INT UNSIGNED, c CHAR(5),
  d DATE AS (STR_TO_DATE(s, '%Y-%m-%d')) STORED, e DATE AS (CAST(s AS DATE)) STORED,
  tm TIME AS (CAST('10:00:00.9' AS TIME)) STORED, at DATETIME AS (CAST(s AS DATETIME)) STORED,
  padded INT AS (LENGTH(c)) STORED, cut DATETIME AS (CONCAT(id, '000-01-01 00:00:00.7')) STORED,
  KEY functional ((STR_TO_DATE(s, '%Y-%m-%d')))
);
-- then:
INSERT IGNORE INTO t (id, s, u, c) VALUES (1, '2024-02-30', 1, 'a');
SET sql_mode = 'ALLOW_INVALID_DATES';
INSERT INTO t (id, s, u, c) VALUES (2, '2024-02-30', 1, 'a');
SET sql_mode = 'NO_ZERO_DATE,NO_ZERO_IN_DATE';
INSERT INTO t (id, s, u, c) VALUES (3, '2024-00-10', 1, 'a');
SET sql_mode = '';
INSERT INTO t (id, s, u, c) VALUES (4, '2024-00-10', 1, 'a');
SET sql_mode = 'TIME_TRUNCATE_FRACTIONAL,ANSI';
INSERT INTO t (id, s, u, c) VALUES (5, '2024-05-10 00:00:00.9', 1, 'a');
SET sql_mode = 'PAD_CHAR_TO_FULL_LENGTH,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT,HIGH_NOT_PRECEDENCE,IGNORE_SPACE,REAL_AS_FLOAT';
INSERT INTO t (id, s, u, c) VALUES (6, '2024-05-10', 1, 'a');
SET sql_mode = 'TRADITIONAL';
INSERT INTO t (id, s, u, c) VALUES (7, '2024-05-10', 1, 'a');
SET sql_mode = 'ALLOW_INVALID_DATES,NO_UNSIGNED_SUBTRACTION';
UPDATE t SET s = '2023-02-31' WHERE id > 4;
