-- topic: an AUTO_INCREMENT column added to rows whose order a key fixes, however they came in
-- unfit: from mysql-9 to mariadb: the target orders texts otherwise, and the job says so
-- unfit: from mariadb-11 to mysql, mariadb-10: the same
-- unfit: from mariadb-10.11 to mariadb-10.5: the target has no descending keys, and the job says so
CREATE TABLE by_key (k VARCHAR(20) PRIMARY KEY, v INT);
CREATE TABLE descending (k VARCHAR(20), n INT, v INT, PRIMARY KEY (k DESC, n));
CREATE TABLE unique_key (k INT NOT NULL, n INT, UNIQUE KEY u (n), UNIQUE KEY w (k));
CREATE TABLE copied (k INT PRIMARY KEY, v INT);
CREATE TABLE no_rows (a INT);
INSERT INTO by_key VALUES ('m', 1), ('B', 2), ('é', 3), ('a', 4), ('f', 5), ('z', 6);
INSERT INTO descending VALUES ('m', 1, 1), ('B', 2, 2), ('b', 1, 3), ('a', 4, 4);
INSERT INTO unique_key VALUES (3, 1), (1, 3), (2, NULL), (9, NULL), (5, 2);
INSERT INTO copied VALUES (5, 1), (3, 2), (9, 3), (1, 4);
DELETE FROM copied WHERE k = 3;
-- then:
INSERT INTO by_key VALUES ('c', 7);
UPDATE copied SET k = 2 WHERE k = 9;
ALTER TABLE by_key DROP PRIMARY KEY, ADD COLUMN id INT UNSIGNED AUTO_INCREMENT PRIMARY KEY FIRST;
SET SESSION auto_increment_increment = 10, auto_increment_offset = 3;
ALTER TABLE descending ADD COLUMN id BIGINT NOT NULL AUTO_INCREMENT UNIQUE KEY;
SET SESSION auto_increment_increment = 1, auto_increment_offset = 1;
ALTER TABLE unique_key ADD COLUMN id SERIAL;
ALTER TABLE copied ADD COLUMN id INT AUTO_INCREMENT, ADD KEY (id), CONVERT TO CHARACTER SET latin1, ALGORITHM=COPY;
ALTER TABLE no_rows ADD id INT AUTO_INCREMENT PRIMARY KEY;
INSERT INTO by_key (k) VALUES ('x');
INSERT INTO no_rows (a) VALUES (1);
-- A copying ALTER reserves numbers for as many rows as the statistics estimate; the next row's number makes the counters equal.
INSERT INTO copied (k) VALUES (20);
