-- topic: a view over JSON_TABLE, LATERAL, window functions and stored functions
-- refused: to mariadb: error 1064
-- unfit: from mariadb: it cannot read "(SELECT COUNT(*) AS c FROM v WHERE v"
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY, j JSON);
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC RETURN n * 2;
INSERT INTO t VALUES (1, '[1, 2]');
-- then:
CREATE VIEW v AS SELECT t.id, x.n, twice(x.n) AS m FROM t, JSON_TABLE(j, '$[*]' COLUMNS (n INT PATH '$')) AS x;
CREATE VIEW w AS SELECT a.id, b.c FROM t AS a, LATERAL (SELECT COUNT(*) AS c FROM v WHERE v.id = a.id) AS b;
INSERT INTO t VALUES (2, '[3]');
