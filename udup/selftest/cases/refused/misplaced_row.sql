-- topic: a row that EXCHANGE PARTITION WITHOUT VALIDATION brought into a partition where it does not belong
-- unfit: from mysql-5.6: it cannot make such a row
-- unfit: from mariadb-10: it cannot read "WITHOUT VALIDATION"
-- phase: copy
-- expect: refused no partition for value 70
CREATE TABLE r (id INT PRIMARY KEY) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10));
CREATE TABLE x (id INT PRIMARY KEY);
INSERT INTO x VALUES (70);
ALTER TABLE r EXCHANGE PARTITION p0 WITH TABLE x WITHOUT VALIDATION;
