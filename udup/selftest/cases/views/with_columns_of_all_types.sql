-- topic: a view over columns of all types, with literals, casts and intervals
-- unfit: from mariadb: it cannot read ">>'$.a' AS q FROM t"
-- unfit: from mysql-5.6: it has no JSON type
-- unfit: to mariadb: it cannot read ->> in a statement of the log, and the job says so
CREATE TABLE t (id INT PRIMARY KEY, a DECIMAL(10,3), b DATETIME(3), c JSON, d POINT, e BIT(5), f ENUM('x'), g VARBINARY(5));
INSERT INTO t VALUES (1, 1.5, '2026-01-01 00:00:00.5', '{}', POINT(1, 1), b'101', 'x', x'FF');
-- then:
CREATE VIEW v AS SELECT t.*, x'FF' AS h, b'1' AS i, DATE'2026-01-01' AS j, 1e10 AS k, CAST(a AS SIGNED) AS l, b + INTERVAL '1:2' HOUR_MINUTE AS m, _latin1'a' COLLATE latin1_bin AS n, NULL AS o, TRUE AS p, c->>'$.a' AS q FROM t;
CREATE VIEW w AS SELECT GROUP_CONCAT(DISTINCT a ORDER BY b DESC SEPARATOR ';') AS g, COUNT(*) AS `count(*)`, CASE WHEN id > 1 THEN 'a' END AS c FROM t GROUP BY id HAVING g <> '' LIMIT 5;
