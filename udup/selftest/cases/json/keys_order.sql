-- topic: JSON objects whose keys come in another order, or twice; numbers of equal value and other type
-- refused: from mysql to mariadb: came to other values on the target
-- unfit: from mariadb: it cannot read ">'$.n')) STORED)"
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY, j JSON, kind VARCHAR(20) AS (JSON_TYPE(j->'$.n')) STORED);
INSERT INTO t (id, j) VALUES (1, '{"b": 1, "a": 2, "b": 3, "n": 1}'), (2, '{"n": 1.0, "aaaa": 1, "zz": 2}'), (3, '{"n": 18446744073709551615}');
-- then:
INSERT INTO t (id, j) VALUES (4, '{"n": true}'), (5, '{"n": "1"}'), (6, '{"n": 1e0}'), (7, '{"n": null}'), (8, '{"n": -9223372036854775808}');
UPDATE t SET j = JSON_SET(j, '$.n', 7) WHERE id = 5;
