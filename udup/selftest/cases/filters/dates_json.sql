-- topic: filters over dates, times, TIMESTAMPs of another time zone, JSON and functions
-- unfit: from mariadb: it has no ->> operator
-- where: t (day >= '2024-01-01' OR at < '2023-06-01 12:00:00') AND YEAR(day) <> 2030
-- where: docs doc->>'$.kind' = 'a' AND JSON_LENGTH(doc) > 1
-- where: odd MOD(id, 3) = 1 OR CAST(price AS DECIMAL(8,2)) = 9.99
-- unfit: from mysql-5.6: it has no JSON type
CREATE TABLE t (id INT PRIMARY KEY, day DATE, at TIMESTAMP(3) NULL, clock TIME);
CREATE TABLE docs (id INT PRIMARY KEY, doc JSON);
CREATE TABLE odd (id INT PRIMARY KEY, price FLOAT(8,2));
INSERT INTO t VALUES (1, '2024-02-29', NULL, '10:00'), (2, '2023-01-01', '2023-06-01 17:29:59', NULL), (3, '2023-01-01', '2023-06-01 17:30:00', NULL), (4, '2030-01-01', NULL, NULL);
INSERT INTO docs VALUES (1, '{"kind": "a", "n": 1}'), (2, '{"kind": "a"}'), (3, '{"kind": "b", "n": 1}'), (4, NULL);
INSERT INTO odd VALUES (1, 1), (2, 9.99), (3, 9.98), (4, NULL);
-- then:
UPDATE t SET day = day + INTERVAL 1 YEAR WHERE id > 1;
UPDATE t SET at = '2020-01-01' WHERE id = 4;
UPDATE docs SET doc = JSON_SET(doc, '$.m', 1);
UPDATE docs SET doc = JSON_REPLACE(doc, '$.kind', 'a') WHERE id = 3;
UPDATE odd SET price = price + 0.01;
UPDATE odd SET id = id + 1 ORDER BY id DESC;
