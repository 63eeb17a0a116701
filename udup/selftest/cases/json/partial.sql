-- topic: partial updates of JSON in place (binlog_row_value_options = PARTIAL_JSON)
-- unfit: to mariadb: a part of a document cannot become a text, and the job says so
-- session: binlog_row_value_options = 'PARTIAL_JSON', binlog_row_image = 'MINIMAL'
-- unfit: from mariadb, mysql-5.6: it has no variable binlog_row_value_options
CREATE TABLE t (id INT PRIMARY KEY, j JSON, k JSON, v INT);
INSERT INTO t VALUES (1, JSON_OBJECT('a', REPEAT('x', 1000), 'b', JSON_ARRAY(1, 2, 3)), JSON_ARRAY(REPEAT('y', 500)), 1), (2, '{"a": 1}', '[]', 2);
-- then:
UPDATE t SET j = JSON_SET(j, '$.a', 'short', '$.c', TRUE) WHERE id = 1;
UPDATE t SET j = JSON_REPLACE(j, '$.b[1]', 99), k = JSON_REMOVE(k, '$[0]') WHERE id = 1;
UPDATE t SET j = JSON_REMOVE(j, '$.a', '$.nothing'), v = v + 1;
UPDATE t SET j = NULL WHERE id = 2;
