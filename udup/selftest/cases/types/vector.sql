-- topic: VECTOR of one, three and 16383 dimensions
-- refused: to mariadb: Row size too large
-- unfit: from mariadb: it cannot read "x VECTOR(16383))"
-- unfit: from mysql-5.6: it cannot read "VECTOR(3), w VECTOR, x VECTOR(16383)"
CREATE TABLE t (id INT PRIMARY KEY, v VECTOR(3), w VECTOR, x VECTOR(16383));
INSERT INTO t VALUES (1, STRING_TO_VECTOR('[1,2.5,-3e-8]'), STRING_TO_VECTOR('[0]'), NULL);
-- then:
INSERT INTO t VALUES (2, STRING_TO_VECTOR('[3.4028235e38,-3.4028235e38,1.17549435e-38]'), STRING_TO_VECTOR('[0.1,0.2,0.3,0.4]'),
  CAST(CONCAT('', REPEAT(x'0000803F', 16383)) AS BINARY)), (3, NULL, NULL, NULL);
UPDATE t SET v = w WHERE id = 9;
UPDATE t SET v = STRING_TO_VECTOR('[7,8]') WHERE id = 1;
