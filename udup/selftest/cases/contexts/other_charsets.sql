-- topic: expressions over ENUM, SET and texts of other character sets, in sessions of other character sets
-- unfit: from mariadb: it cannot read "(HEX(u))) )"
-- unfit: from mysql-5.6: it has no generated columns
CREATE TABLE t (
  id INT PRIMARY KEY, e ENUM('ä', 'b') CHARACTER SET latin1, s SET('é', 'x') CHARACTER SET cp1251 COLLATE cp1251_bin,
  g VARCHAR(20) CHARACTER SET gbk, u VARCHAR(20) CHARACTER SET utf16,
  eh VARCHAR(40) AS (HEX(e)) STORED, joined VARCHAR(80) CHARACTER SET utf8mb4 AS (CONCAT_WS('|', CONVERT(e USING utf8mb4), CONVERT(g USING utf8mb4), CONVERT(u USING utf8mb4))) STORED,
  same INT AS (e = u) VIRTUAL, upper_g VARCHAR(30) CHARACTER SET gbk AS (UPPER(g)) VIRTUAL, KEY (same), KEY (upper_g), KEY f ((HEX(u)))
);
INSERT INTO t (id, e, g, u) VALUES (1, 1, 'abc', 'ä'), (2, 'b', '中', 'B'), (3, NULL, NULL, NULL);
SET NAMES latin1;
INSERT INTO t (id, e, g, u) VALUES (4, 'ä', 'abc', 'ä');
-- then:
SET NAMES utf8mb4 COLLATE utf8mb4_bin;
INSERT INTO t (id, e, g, u) VALUES (5, 'ä', '中文', '𝄞'), (6, 2, '文', 'ss');
UPDATE t SET u = CONCAT(u, 'é') WHERE id < 3;
