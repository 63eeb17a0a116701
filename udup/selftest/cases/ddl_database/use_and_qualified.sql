-- topic: statements with the default database elsewhere, none at all, or dropped meanwhile
CREATE DATABASE conf_use_a;
CREATE DATABASE conf_use_b;
-- then:
USE conf_use_a;
CREATE TABLE conf_use_b.t (id INT PRIMARY KEY);
INSERT INTO conf_use_b.t VALUES (1);
CREATE VIEW conf_use_b.v AS SELECT * FROM conf_use_b.t;
CREATE TRIGGER conf_use_b.g BEFORE INSERT ON conf_use_b.t FOR EACH ROW SET @x = 1;
CREATE PROCEDURE conf_use_b.p() SELECT 1;
CREATE TABLE `t` (id INT PRIMARY KEY);
DROP DATABASE conf_use_a;
CREATE TABLE conf_use_b.u (id INT PRIMARY KEY);
INSERT INTO conf_use_b.u VALUES (1);
ALTER TABLE conf_use_b.u ADD a INT;
