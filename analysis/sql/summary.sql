-- Mean, standard deviation and 95 % interval of every number over the seeds of a configuration.
SELECT config_id, model_epoch, m.name AS metric, m.unit, entity, n, mean, sd, ci95, median, min, max
FROM summary JOIN metric m USING(metric_id) ORDER BY config_id, model_epoch, metric_id, entity;
