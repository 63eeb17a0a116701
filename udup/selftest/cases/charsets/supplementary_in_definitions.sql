-- topic: characters beyond the BMP in defaults and in the texts of views, routines, triggers, events
CREATE TABLE t (id INT PRIMARY KEY, a VARCHAR(20) DEFAULT '😀' COMMENT 'ok', e ENUM('a') DEFAULT 'a');
INSERT INTO t (id) VALUES (1);
CREATE VIEW v AS SELECT '😀' AS a;
CREATE PROCEDURE p() SELECT '😀𝔘';
CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @x = '😀';
CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01 00:00:00' DO SELECT '😀';
-- then:
INSERT INTO t (id) VALUES (2);
CREATE TABLE u (id INT PRIMARY KEY, a VARCHAR(20) DEFAULT '🏳️‍🌈');
INSERT INTO u (id) VALUES (1);
