-- topic: views over tables of another database of the job, made before them in the order of names
CREATE DATABASE zz_conf_views;
CREATE TABLE zz_conf_views.t (id INT PRIMARY KEY);
CREATE VIEW v AS SELECT * FROM zz_conf_views.t;
CREATE VIEW zz_conf_views.w AS SELECT * FROM zz_conf_views.t WHERE id > 0;
-- then:
INSERT INTO zz_conf_views.t VALUES (1);
CREATE VIEW x AS SELECT v.id FROM v JOIN zz_conf_views.w USING (id);
ALTER TABLE zz_conf_views.t ADD a INT;
