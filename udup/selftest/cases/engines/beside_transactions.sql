-- topic: rows without transactions inside of transactions: each statement is one of its own and is not rolled back
-- unfit: from mariadb: it does not refuse what is to be refused with 1785
CREATE TABLE m (id INT, v INT) ENGINE=MyISAM;
CREATE TABLE i (id INT PRIMARY KEY);
-- then:
BEGIN;
INSERT INTO m VALUES (1, 1);
INSERT INTO m VALUES (2, 2);
INSERT INTO i VALUES (1);
COMMIT;
BEGIN;
INSERT INTO m VALUES (3, 3);
ROLLBACK;
BEGIN;
INSERT INTO m VALUES (4, 4);
INSERT INTO i VALUES (2);
ROLLBACK;
BEGIN;
INSERT INTO i VALUES (3);
-- error: 1785
INSERT INTO m VALUES (5, 5);
COMMIT;
XA START 'engines-beside';
INSERT INTO m VALUES (6, 6);
XA END 'engines-beside';
XA ROLLBACK 'engines-beside';
