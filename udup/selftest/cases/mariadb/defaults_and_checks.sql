-- topic: defaults and checks that MariaDB prints without parentheses; checks of columns; generated columns PERSISTENT
-- unfit: from mysql: its own forms
-- refused: from mariadb-11 to mariadb-10: does not log the values of stored generated columns
CREATE TABLE t (
  id INT PRIMARY KEY, u VARCHAR(36) DEFAULT UUID(), x TEXT DEFAULT 'of text', b BLOB DEFAULT 'of blob', n INT DEFAULT (1 + 2),
  d DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), j JSON, c INT CHECK (c > 0), p INT AS (id * 2) PERSISTENT,
  v INT AS (id + 1) VIRTUAL, CONSTRAINT named CHECK (n < 100), s SET('a', 'b') DEFAULT 'a', e ENUM('x''y', 'z') DEFAULT 'x''y'
);
INSERT INTO t (id, j, c) VALUES (1, '{"a": [1, 2]}', 1);
-- then:
INSERT INTO t (id, j, c) VALUES (2, '[]', 2), (3, NULL, NULL);
UPDATE t SET j = '{"b" : "é"}' WHERE id = 1;
-- error: 4025
INSERT INTO t (id, c) VALUES (4, -1);
ALTER TABLE t ADD COLUMN y TEXT DEFAULT CONCAT('a', 'b'), ADD COLUMN z DATE DEFAULT CURDATE();
INSERT INTO t (id) VALUES (5);
