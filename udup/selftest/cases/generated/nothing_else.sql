-- topic: tables whose columns are all generated, or all but invisible ones
-- refused: to mariadb: it is generated and a primary key
-- unfit: from mariadb: it cannot read "PRIMARY KEY, h INT AS (g + 1) VIRTUA"
-- unfit: from mysql-5.6: it cannot read "GENERATED ALWAYS AS ('x'))"
CREATE TABLE all_virtual (g VARCHAR(20) GENERATED ALWAYS AS ('x'));
CREATE TABLE all_stored (g VARCHAR(20) AS (CONCAT('a', 1)) STORED, h INT AS (1 + 1) VIRTUAL, n INT AS (NULL) STORED);
CREATE TABLE one_row (g INT AS (7) STORED PRIMARY KEY, h INT AS (g + 1) VIRTUAL);
CREATE TABLE no_row (g INT AS (7) STORED PRIMARY KEY);
CREATE TABLE numbered (g INT AS (7) STORED, my_row_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT INVISIBLE PRIMARY KEY);
CREATE TABLE by_default (hidden INT DEFAULT 5 INVISIBLE, g INT AS (hidden * 2));
INSERT INTO all_virtual VALUES (), (), ();
INSERT INTO all_stored () VALUES (), ();
INSERT INTO one_row VALUES ();
INSERT INTO numbered VALUES (), ();
INSERT INTO by_default () VALUES (), ();
-- then:
INSERT INTO all_virtual VALUES ();
INSERT INTO all_stored () VALUES ();
INSERT INTO no_row VALUES ();
DELETE FROM one_row;
DELETE FROM all_stored LIMIT 1;
INSERT INTO numbered VALUES ();
INSERT INTO by_default () VALUES ();
