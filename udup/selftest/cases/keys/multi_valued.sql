-- topic: multi-valued indexes over JSON arrays, unique and with other columns
-- unfit: from mariadb: it cannot read "(CAST(j->'$.zip' AS UNSIGNED ARRAY))"
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY, c INT, j JSON, KEY z ((CAST(j->'$.zip' AS UNSIGNED ARRAY))), UNIQUE KEY w (c, (CAST(j->'$.tags' AS CHAR(20) ARRAY))));
INSERT INTO t VALUES (1, 1, '{"zip": [1, 2, 3], "tags": ["a", "b"]}'), (2, 2, '{"zip": [], "tags": ["a"]}'), (3, 3, NULL);
-- then:
UPDATE t SET j = JSON_SET(j, '$.zip[3]', 9) WHERE id = 1;
INSERT INTO t VALUES (4, 1, '{"zip": [7], "tags": ["c"]}');
ALTER TABLE t ADD KEY d ((CAST(j->'$.d' AS DATE ARRAY)));
DELETE FROM t WHERE id = 2;
