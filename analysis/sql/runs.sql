-- Every run: its name, what it was, how it ended.
SELECT uid, s.name AS scenario, rng_seed, rng_run, net, status, attempt, started_utc, wall_s, result_sha256
FROM run JOIN config USING(config_id) JOIN scenario s USING(scenario_id) ORDER BY run_id;
