-- topic: databases and tables whose names have dots, spaces, quotes, percent signs, unicode, keywords
CREATE DATABASE `conf odd.``name 中%s`;
CREATE TABLE `conf odd.``name 中%s`.`select` (`from` INT PRIMARY KEY, `a.b` INT, `ü``"'` VARCHAR(5));
INSERT INTO `conf odd.``name 中%s`.`select` VALUES (1, 1, 'x');
-- then:
INSERT INTO `conf odd.``name 中%s`.`select` VALUES (2, 2, 'y');
CREATE TABLE `conf odd.``name 中%s`.`2b` LIKE `conf odd.``name 中%s`.`select`;
ALTER TABLE `conf odd.``name 中%s`.`select` ADD `%s {0} \` INT;
UPDATE `conf odd.``name 中%s`.`select` SET `a.b` = 3;
CREATE DATABASE `conf-dash`;
CREATE TABLE `conf-dash`.`t-1` (id INT);
INSERT INTO `conf-dash`.`t-1` VALUES (1);
