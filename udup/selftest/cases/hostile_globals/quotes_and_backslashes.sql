-- topic: quotes of both kinds, backslashes and bars in names, values, keys and bodies: ANSI_QUOTES, NO_BACKSLASH_ESCAPES and sql_quote_show_create say something else
-- unfit: from mysql-5.6: it has no generated columns
-- refused: from mariadb-11 to mariadb-10: does not log the values of stored generated columns
CREATE TABLE `t "q" \ ``b`` select` (`a "x" \` VARCHAR(40) COLLATE utf8mb4_bin PRIMARY KEY, b ENUM('a\\b', 'c"d', 'e''f'), c VARCHAR(40) DEFAULT 'x\\"''y', g VARCHAR(90) AS (CONCAT('\\"', `a "x" \`)) STORED, CHECK (b <> 'none"\\')) COMMENT 'c \\ " ''';
INSERT INTO `t "q" \ ``b`` select` (`a "x" \`, b) WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n WHERE i < 300) SELECT CONCAT('k\\', i, '"''\\'), 1 + i % 3 FROM n;
CREATE TABLE `order` (`key` INT PRIMARY KEY, `table` INT, KEY `index` (`table`));
INSERT INTO `order` VALUES (1, 2);
CREATE VIEW `v"w\` AS SELECT 'a' 'b' AS `x"`, "not a name" AS y, 1 OR 0 AS z FROM `t "q" \ ``b`` select`;
CREATE PROCEDURE `p"r\` () SELECT "text\\", '\\"', NOT 1 BETWEEN -5 AND 5;
-- then:
CREATE TABLE u (id INT PRIMARY KEY, a VARCHAR(30) DEFAULT "d\\q", b REAL);
INSERT INTO u VALUES (1, "x\\", 1 / 3), (2, '"\n\t\\', 2 / 3);
CREATE TRIGGER `g"h\` BEFORE INSERT ON u FOR EACH ROW SET NEW.a = CONCAT(NEW.a, "\\");
INSERT INTO u VALUES (3, "y", 0.1);
UPDATE `t "q" \ ``b`` select` SET c = "\\" WHERE b = 'c"d';
