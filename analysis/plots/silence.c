/* SPDX-License-Identifier: GPL-2.0-only */
/* Longest silences: which runs go together, and how their lines are called. */
#include "plots/silence.h"

#include <math.h>
#include <sqlite3.h>
#include <string.h>

#include "plots/facts.h"
#include "store/store.h"

#define LINES_MAX     8
#define CAPTION_LINES 9
/* Of the name of a line: of all of it, and of the end that stays. */
#define NAME_MAX_CHARS 105
#define NAME_END_CHARS 50

flue_err silence_check(struct store *store, char *message, size_t room)
{
    char *text = facts_text(store, "SELECT 1 FROM chosen_silence LIMIT 1");

    if (text == NULL) {
        snprintf(message, room, "%s: has no finished runs with silences to draw; run a scenario, or change --where",
                 store_path(store));
        return FLUE_ENOENT;
    }
    sqlite3_free(text);
    text = facts_text(store, "SELECT 'has runs of ' || count(DISTINCT scenario) || ' scenarios; choose one: --where "
                             "scenario=' || min(scenario) FROM silent HAVING count(DISTINCT scenario) > 1 "
                             "AND (SELECT count(*) FROM silent_differ WHERE name <> 'offload') > 1");
    if (text == NULL) {
        /* The one with the most values is what the study is about; another one is to be settled. */
        text = facts_text(
            store, "WITH others AS (SELECT * FROM silent_differ WHERE name <> 'offload') "
                   "SELECT 'the runs differ in ' || (SELECT group_concat(name, ' and ') FROM (SELECT name FROM "
                   "others ORDER BY n DESC, name LIMIT 3)) || CASE WHEN count(*) > 3 THEN ' and more' ELSE '' END "
                   "|| '; a figure shows one parameter and offload; choose a value: ' || (SELECT "
                   "CASE WHEN least GLOB '*[^a-zA-Z0-9._%/-]*' OR least = '' THEN '--where \"' || name || '=' || "
                   "least || '\"' ELSE '--where ' || name || '=' || least END FROM others ORDER BY n, name DESC "
                   "LIMIT 1) FROM others HAVING count(*) > 1");
    }
    if (text == NULL) {
        text = facts_text(store, "SELECT param || ' has ' || count(DISTINCT value_no) || ' values, a figure shows at "
                                 "most 8 lines; choose one: --where ' || CASE WHEN count(DISTINCT arm_no) > 1 THEN "
                                 "'offload=chimney' ELSE param || '=' || min(value) END FROM chosen_silence "
                                 "HAVING count(DISTINCT value_no || ' ' || arm_no) > 8");
    }
    if (text != NULL) {
        return facts_refuse(store, text, FLUE_EINVAL, message, room);
    }
    return FLUE_OK;
}

/* A name that is too long for its line loses its middle: the end tells how many connections there are. */
static void put_name(const char *name, FILE *out)
{
    char text[256];
    size_t length = strlen(name);

    if (length <= NAME_MAX_CHARS) {
        facts_put_string(out, name);
        return;
    }
    snprintf(text, sizeof text, "%.*s ... %s", NAME_MAX_CHARS - NAME_END_CHARS - 5, name,
             name + length - NAME_END_CHARS);
    facts_put_string(out, text);
}

/* line_value[], line_arm[], line_ink[], line_name[]: the lines in the order of the data. */
static flue_err write_lines(struct store *store, FILE *out, char *message, size_t room)
{
    sqlite3_stmt *s = NULL;
    int count = 0, rc;

    rc = sqlite3_prepare_v2(
        store_database(store),
        "WITH arms AS (SELECT count(DISTINCT arm_no) AS n, (SELECT max(value_no) FROM chosen_silence) AS values_last "
        "  FROM chosen_silence) "
        "SELECT value_no, c.arm_no, CASE WHEN values_last = 0 THEN arm_no ELSE value_no + 2 END, "
        " CASE WHEN values_last > 0 THEN CASE WHEN value = '' THEN param || ' empty' ELSE param || '=' || value END || "
        "  CASE WHEN arms.n > 1 THEN ', ' || arm ELSE '' END "
        " ELSE 'offload=' || arm END || printf(' (%,d connections, %d seed%s)', sum(h.n), count(*), "
        " CASE count(*) WHEN 1 THEN '' ELSE 's' END) "
        "FROM chosen_silence c JOIN hist h USING(run_id) JOIN metric m USING(metric_id), arms "
        "WHERE m.name = 'silence' AND h.entity = '' GROUP BY value_no, c.arm_no ORDER BY value_no, c.arm_no",
        -1, &s, NULL);
    if (rc != SQLITE_OK) {
        return facts_say(store, message, room);
    }
    fprintf(out, "array line_value[%d]\narray line_arm[%d]\narray line_ink[%d]\narray line_name[%d]\n", LINES_MAX,
            LINES_MAX, LINES_MAX, LINES_MAX);
    while (count < LINES_MAX && sqlite3_step(s) == SQLITE_ROW) {
        count++;
        fprintf(out, "line_value[%d] = %d; line_arm[%d] = %d; line_ink[%d] = %d; line_name[%d] = ", count,
                sqlite3_column_int(s, 0), count, sqlite3_column_int(s, 1), count, sqlite3_column_int(s, 2) % 10, count);
        put_name((const char *)sqlite3_column_text(s, 3), out);
        fputc('\n', out);
    }
    sqlite3_finalize(s);
    fprintf(out, "lines = %d\n", count);
    return FLUE_OK;
}

/* What is equal in all runs. */
static const char caption_sql[] =
    "WITH p(name, txt, num) AS (SELECT name, min(txt), min(num) FROM config_param WHERE config_id IN "
    "  (SELECT config_id FROM silent) AND name NOT IN (SELECT name FROM silent_differ) GROUP BY name),"
    " said(ord, words) AS ("
    "  SELECT 0, 'scenario ' || min(scenario) FROM silent HAVING count(DISTINCT scenario) = 1"
    "  UNION ALL SELECT 1, txt || ' connections' FROM p WHERE name = 'connections'"
    "  UNION ALL SELECT 2, txt || ' clients' FROM p WHERE name = 'clients' AND num > 1"
    "  UNION ALL SELECT 3, 'offload=' || txt FROM p WHERE name = 'offload'"
    "  UNION ALL SELECT 4, 'responses of ' || txt FROM p WHERE name = 'io_size' AND"
    "   EXISTS (SELECT 1 FROM p WHERE name = 'workload' AND txt = 'rpc')"
    "  UNION ALL SELECT 5, CASE txt WHEN '0' THEN 'closed loop' ELSE 'load ' || txt END FROM p WHERE name = 'load' AND"
    "   EXISTS (SELECT 1 FROM p WHERE name = 'workload' AND txt = 'rpc')"
    "  UNION ALL SELECT 6, 'topology ' || txt FROM p WHERE name = 'topology'"
    "  UNION ALL SELECT 7, txt FROM p WHERE name = 'link_rate'"
    "  UNION ALL SELECT 8, printf('round trip %g µs without queueing and serialisation', 2 * num / 1e6) FROM p "
    "   WHERE name = 'delay'"
    "  UNION ALL SELECT 9, 'loss ' || txt FROM p WHERE name = 'loss'"
    "  UNION ALL SELECT 10, 'smallest retransmission timeout ' || txt FROM p WHERE name = 'rto_min'"
    "  UNION ALL SELECT 11, 'events: ' || txt FROM p WHERE name = 'events' AND txt <> ''"
    "  UNION ALL SELECT 12, 'server costs: profile ' || txt FROM p WHERE name = 'profile'"
    "  UNION ALL SELECT 13, 'client: ' || txt FROM p WHERE name = 'peer_profile') "
    "SELECT 'In all runs: ' || group_concat(words, ', ') || '.' FROM (SELECT words FROM said ORDER BY ord)";

static const char about[] =
    "Of each connection the longest time in the measured window in which bytes were under way and none was delivered; "
    "connections without traffic do not count. Seeds are pooled; a share ends at the highest value of its bin (bins "
    "are 1/128 wide or narrower).";

flue_err silence_facts(struct store *store, FILE *out, char *message, size_t room)
{
    flue_err err = write_lines(store, out, message, room);
    char *facts = facts_text(store, caption_sql);
    char *count =
        facts_text(store, "SELECT count(*) || CASE count(*) WHEN 1 THEN ' run.' ELSE ' runs.' END FROM silent");
    char *evidence = facts_evidence(store, "silent");
    char *made = facts_made(store, "silent");
    char *all =
        sqlite3_mprintf("%s %s\n%s\n%s%s%s.", facts != NULL ? facts : "", count != NULL ? count : "", about,
                        evidence != NULL ? evidence : "", evidence != NULL ? "\n" : "", made != NULL ? made : "");

    if (err == FLUE_OK) {
        facts_put_captions(all != NULL ? all : "", CAPTION_LINES, out);
    }
    sqlite3_free(facts);
    sqlite3_free(count);
    sqlite3_free(evidence);
    sqlite3_free(made);
    sqlite3_free(all);
    return err;
}
