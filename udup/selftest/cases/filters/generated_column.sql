-- topic: a filter over a generated column, which an ALTER of another column would recompute without rows in the log
-- unfit: from mysql-5.6: it has no generated columns
-- expect: refused looks at gross, which the source computes
-- where: t gross >= 6
CREATE TABLE t (id INT PRIMARY KEY, price DECIMAL(8,2), gross DECIMAL(9,2) AS (price * 2) STORED);
INSERT INTO t (id, price) VALUES (1, 2.60), (2, 3.40);
-- then:
ALTER TABLE t MODIFY price DECIMAL(8,0);
