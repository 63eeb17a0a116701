-- topic: statements sent in gbk, latin1, sjis and big5, with names, comments and values in them
SET NAMES gbk;
CREATE TABLE `表` (`列` INT PRIMARY KEY, a VARCHAR(10) DEFAULT '中' COMMENT '注释') COMMENT '表的注释';
INSERT INTO `表` VALUES (1, '文');
-- then:
ALTER TABLE `表` ADD `第二` VARCHAR(10) CHARACTER SET gbk DEFAULT '字符';
INSERT INTO `表` VALUES (2, '二', '三');
SET NAMES latin1;
CREATE TABLE `Größe` (`für` INT PRIMARY KEY, e ENUM('ä', 'ö') DEFAULT 'ä') COMMENT 'é';
INSERT INTO `Größe` VALUES (1, 'ö');
SET NAMES sjis;
CREATE TABLE `表ソ` (a VARCHAR(10) DEFAULT 'ソ' COMMENT '表');
SET NAMES big5;
CREATE TABLE `功能` (a VARCHAR(10) DEFAULT '許' COMMENT '蓋');
INSERT INTO `功能` VALUES ('功'), (DEFAULT);
