-- topic: users, roles and grants between the statements of the job
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
