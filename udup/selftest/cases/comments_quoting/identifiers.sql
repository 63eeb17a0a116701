-- topic: quoted names with odd characters: dots, spaces, backslashes, percent, quotes, unicode, digits, keywords
-- unfit: from mysql-5.6: it cannot read "COLUMN `e f` TO `"`, ADD `'` INT AFT"
CREATE TABLE `a.b` (`c.d` INT PRIMARY KEY, `e f` INT, `g"h` INT, `i'j` INT, `k``l` INT, `m\n` INT, `%s` INT, `中文` INT, `ünï` INT, `0` INT, `select` INT, `$x` INT, KEY `i.j k` (`e f`), CONSTRAINT `ch``eck` CHECK (`g"h` > 0));
INSERT INTO `a.b` VALUES (1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
-- then:
CREATE TABLE `%s %d {x} $1` (`\\` INT PRIMARY KEY);
CREATE TABLE `123` (`1e5` INT, `0x41` INT);
CREATE TABLE `-- x` (a INT);
CREATE TABLE `/* x */` (a INT);
CREATE TABLE `;` (`;` INT);
ALTER TABLE `a.b` RENAME COLUMN `e f` TO `"`, ADD `'` INT AFTER `c.d`;
UPDATE `a.b` SET `中文` = 7, `'` = 8;
INSERT INTO `%s %d {x} $1` VALUES (1), (2);
INSERT INTO `;` VALUES (1);
DROP TABLE `123`;
CREATE INDEX `PRIMARY KEY (` ON `a.b` (`ünï`);
