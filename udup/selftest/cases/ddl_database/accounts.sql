-- topic: users, roles and grants between the statements of the job
-- unfit: from mariadb: error 1372: Password hash should be a 41-digit hexadecimal number
-- unfit: from mysql-5.6: it cannot read "IF NOT EXISTS conf_user@localhost ID"
CREATE TABLE t (id INT PRIMARY KEY);
-- then:
CREATE USER IF NOT EXISTS conf_user@localhost IDENTIFIED BY 'p;''x';
GRANT SELECT ON *.* TO conf_user@localhost;
CREATE ROLE IF NOT EXISTS conf_role;
INSERT INTO t VALUES (1);
REVOKE SELECT ON *.* FROM conf_user@localhost;
SET PASSWORD FOR conf_user@localhost = 'other';
ALTER USER conf_user@localhost ACCOUNT LOCK;
RENAME USER conf_user@localhost TO conf_other@localhost;
DROP USER conf_other@localhost;
DROP ROLE conf_role;
INSERT INTO t VALUES (2);
