-- topic: tables in a general tablespace's absence: TABLESPACE options that name the two of every server
CREATE TABLE a (id INT PRIMARY KEY) TABLESPACE innodb_file_per_table;
CREATE TABLE b (id INT PRIMARY KEY) TABLESPACE innodb_system;
INSERT INTO a VALUES (1);
INSERT INTO b VALUES (1);
-- then:
ALTER TABLE b TABLESPACE innodb_file_per_table;
INSERT INTO b VALUES (2);
