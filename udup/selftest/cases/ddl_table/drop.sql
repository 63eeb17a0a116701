-- topic: DROP TABLE of several, IF EXISTS with some that are not there, CASCADE, mixed quotes
-- unfit: from mariadb, mysql-5.6: error 1146: Table 'a' doesn't exist
CREATE TABLE a (id INT);
CREATE TABLE `b c` (id INT);
CREATE TABLE d (id INT);
CREATE TABLE e (id INT);
-- then:
DROP TABLE a, `b c`;
DROP TABLE IF EXISTS d, never, nowhere;
DROP TABLES IF EXISTS never CASCADE;
DROP TABLE e RESTRICT;
CREATE TABLE a (x INT);
-- error: 1051
DROP TABLE a, never;
INSERT INTO a VALUES (1);
