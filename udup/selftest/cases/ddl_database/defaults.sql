-- topic: databases made, altered, dropped, with defaults of character set, collation, read only
CREATE DATABASE conf_db_a CHARACTER SET gbk COLLATE gbk_bin;
CREATE TABLE conf_db_a.t (a VARCHAR(10));
-- then:
CREATE SCHEMA IF NOT EXISTS conf_db_b DEFAULT CHARACTER SET = latin1 DEFAULT COLLATE = latin1_german1_ci;
CREATE TABLE conf_db_b.t (a VARCHAR(10), b INT PRIMARY KEY);
INSERT INTO conf_db_b.t VALUES ('ä', 1);
ALTER DATABASE conf_db_b COLLATE utf8mb4_bin;
CREATE TABLE conf_db_b.u (a VARCHAR(10));
ALTER DATABASE conf_db_a CHARACTER SET utf16;
INSERT INTO conf_db_a.t VALUES ('中');
USE conf_db_a;
ALTER DATABASE DEFAULT COLLATE utf16_bin;
CREATE TABLE later (a TEXT);
CREATE DATABASE IF NOT EXISTS conf_db_b CHARACTER SET ascii;
