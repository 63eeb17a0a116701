-- topic: comments in every position and form around statements and names
-- unfit: from mariadb, mysql-5.6: it cannot read "c2 (a INT /*!50503 NOT NULL */ COMME"
CREATE TABLE t (id INT PRIMARY KEY);
-- then:
/* before */ CREATE /* a */ TABLE -- line
/* b */ c1 /*! ( */ id INT /* ; */ PRIMARY KEY) # end
;
CREATE /*!80000 TABLE */ /*!99999 nothing */ c2 (a INT /*!50503 NOT NULL */ COMMENT '/* not a comment */');
# a line of its own
ALTER TABLE/**/t/**/ADD/**/COLUMN/**/a/**/INT;
/*!50003 CREATE*/ /*!50003 VIEW v AS SELECT 1 AS `/* x */` */;
DROP /* x */ TABLE /*! IF EXISTS */ c1 /* y */;
RENAME TABLE c2 /* to */ TO /* -- */ c3;
INSERT INTO t /* rows */ VALUES (1, 1) -- done
;
CREATE TABLE c4 (id INT) COMMENT '-- ; /*' /* last
 two lines */;
TRUNCATE/**/c4;
