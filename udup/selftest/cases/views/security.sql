-- topic: views with definers that do not exist on either side, SQL SECURITY, column lists, comments inside
CREATE DEFINER='no one'@'10.%' SQL SECURITY INVOKER VIEW a (`x y`, z) AS SELECT 1 /* inner */, 2;
-- then:
CREATE DEFINER=`we``ird`@`%` VIEW b AS SELECT 4 AS y;
ALTER DEFINER='other'@'localhost' VIEW a AS SELECT 3 AS `x y`;
CREATE OR REPLACE ALGORITHM=TEMPTABLE DEFINER=CURRENT_USER SQL SECURITY DEFINER VIEW c AS SELECT 5 AS z;
