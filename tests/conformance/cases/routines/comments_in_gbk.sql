-- topic: comments of routines and events made by a client in gbk, which SHOW CREATE prints garbled
-- phase: incremental
SET NAMES gbk;
CREATE PROCEDURE g() COMMENT '中文' SELECT '中';
CREATE EVENT e ON SCHEDULE EVERY 1 MONTH STARTS '2030-01-01 00:00:00' COMMENT '注释' DO SELECT '中';
