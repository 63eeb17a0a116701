-- topic: DROP DATABASE with tables, views, routines, triggers, events in it; made again under the same name
CREATE DATABASE conf_drop;
CREATE TABLE conf_drop.t (id INT PRIMARY KEY);
CREATE VIEW conf_drop.v AS SELECT * FROM conf_drop.t;
CREATE PROCEDURE conf_drop.p() SELECT 1;
INSERT INTO conf_drop.t VALUES (1);
-- then:
DROP DATABASE conf_drop;
CREATE DATABASE conf_drop COLLATE latin1_bin;
CREATE TABLE conf_drop.t (id VARCHAR(5));
INSERT INTO conf_drop.t VALUES ('x');
