-- topic: JSON with generated columns, CHECK with JSON_SCHEMA_VALID, defaults of JSON
-- unfit: from mariadb: it cannot read ">'$.n') VIRTUAL, s VARCHAR(50) AS (j"
-- unfit: from mysql-5.6: it has no JSON type
-- refused: to mariadb-10: json_schema_valid
CREATE TABLE t (id INT PRIMARY KEY, j JSON DEFAULT (JSON_OBJECT('n', 0)), n INT AS (j->'$.n') VIRTUAL, s VARCHAR(50) AS (j->>'$.s') STORED, KEY (n), CONSTRAINT ok CHECK (JSON_SCHEMA_VALID('{"type": "object"}', j)));
INSERT INTO t (id, j) VALUES (1, '{"n": 5, "s": "it''s"}'), (2, '{"n": -1}');
-- then:
INSERT INTO t (id) VALUES (3);
UPDATE t SET j = JSON_SET(j, '$.s', CONCAT('x', id)) WHERE id > 1;
