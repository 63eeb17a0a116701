-- topic: a table in a general tablespace that only the source has
-- phase: incremental
-- expect: refused mend the cause on the target
CREATE TABLE x (id INT);
-- then:
CREATE TABLESPACE conf_space ADD DATAFILE 'conf_space.ibd';
CREATE TABLE t (id INT) TABLESPACE conf_space;
