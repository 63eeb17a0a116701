-- topic: FLOAT(M,D) and DOUBLE(M,D) beside a generated column that is made of others
-- unfit: from mysql-5.6: it has no generated columns
-- refused: from mariadb-11 to mariadb-10: does not log the values of stored generated columns
CREATE TABLE t (id INT PRIMARY KEY, price DOUBLE(10,2), part FLOAT(8,3), a INT, g INT AS (a + 1) STORED, h INT AS (a * 2) VIRTUAL, KEY (h));
INSERT INTO t (id, price, part, a) VALUES (1, 12.3, 0.5, 1), (2, 99999999.5, 12345.678, 2), (3, NULL, NULL, NULL);
-- then:
UPDATE t SET price = price - 0.1, a = a + 1 WHERE id < 3;
