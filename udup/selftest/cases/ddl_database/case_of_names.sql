-- topic: databases and tables whose names differ in case alone
CREATE DATABASE Conf_Case;
CREATE TABLE Conf_Case.T (id INT PRIMARY KEY);
CREATE TABLE Conf_Case.t (id INT PRIMARY KEY, a INT);
INSERT INTO Conf_Case.T VALUES (1);
-- then:
INSERT INTO Conf_Case.t VALUES (1, 1);
CREATE DATABASE conf_case;
CREATE TABLE conf_case.T (x INT);
INSERT INTO conf_case.T VALUES (5);
ALTER TABLE Conf_Case.T ADD b INT;
DROP TABLE Conf_Case.t;
