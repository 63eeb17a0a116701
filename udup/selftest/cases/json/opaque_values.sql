-- topic: DECIMAL, dates, times, binary and geometry values inside of documents, made while the job runs
-- unfit: to mariadb: it cannot read -> in an expression, and the job says so
-- phase: incremental
-- unfit: from mariadb: it cannot read ">'$.v')) STORED)"
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY, j JSON, kind VARCHAR(20) AS (JSON_TYPE(j->'$.v')) STORED);
INSERT INTO t (id, j) VALUES (1, JSON_OBJECT('v', CAST('1.10' AS DECIMAL(5,2)))), (2, JSON_OBJECT('v', CAST('2026-01-01' AS DATE))), (3, JSON_OBJECT('v', CAST('10:11:12.123' AS TIME(3)))), (4, JSON_OBJECT('v', NOW(6))), (5, JSON_OBJECT('v', x'00FF')), (6, JSON_OBJECT('v', POINT(1, 2))), (7, JSON_OBJECT('v', b'101'));
UPDATE t SET j = JSON_SET(j, '$.w', CAST(1.5 AS DECIMAL(10,5)));
