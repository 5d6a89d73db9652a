/*
 * What a reload may take over, and what it must not: told setting by setting.
 */
#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dotproxy/log.h"
#include "parent/config.h"

#define TCP_MOST 2000 /* what the workers have room for */

static char told[1024]; /* the lines that were logged, each with its newline */

static void
keep_line(int priority, const char *line)
{
	size_t used = strlen(told);

	(void)priority;
	(void)snprintf(told + used, sizeof(told) - used, "%s\n", line);
}

/* The defaults, and a copy to change. */
static void
two_configs(struct conf **now, struct conf **next)
{
	*now = malloc(sizeof(**now));
	*next = malloc(sizeof(**next));
	ATF_REQUIRE(*now != NULL && *next != NULL);
	config_default(*now);
	config_default(*next);
	told[0] = '\0';
	log_set_sink(keep_line);
}

static void
refused(const struct conf *now, const struct conf *next, const char *lines)
{
	told[0] = '\0';
	ATF_CHECK(!config_may_become(now, next, TCP_MOST));
	ATF_CHECK_STREQ(lines, told);
}

ATF_TC_WITHOUT_HEAD(each_setting_that_needs_a_restart_is_refused_by_name);
ATF_TC_BODY(each_setting_that_needs_a_restart_is_refused_by_name, tc)
{
	struct conf *now, *next;

	two_configs(&now, &next);
	next->workers = 3;
	refused(now, next, "workers: needs a restart\n");
	*next = *now;
	(void)snprintf(next->user, sizeof(next->user), "_other");
	refused(now, next, "user: needs a restart\n");
	*next = *now;
	(void)snprintf(next->chroot, sizeof(next->chroot), "/srv/empty");
	refused(now, next, "chroot: needs a restart\n");
	*next = *now;
	next->cache_size += 1 << 20;
	refused(now, next, "cache size: needs a restart\n");
	*next = *now;
	next->tcp_max = TCP_MOST + 1;
	refused(now, next, "more tcp connections: needs a restart\n");
	free(now);
	free(next);
}

ATF_TC_WITHOUT_HEAD(a_cache_neither_comes_nor_goes_without_a_restart);
ATF_TC_BODY(a_cache_neither_comes_nor_goes_without_a_restart, tc)
{
	struct conf *now, *next;

	two_configs(&now, &next);
	next->cache_size = 0;
	refused(now, next, "cache size: needs a restart\n");
	refused(next, now, "cache size: needs a restart\n");
	now->cache_size = 0;
	ATF_CHECK(config_may_become(now, next, TCP_MOST));
	free(now);
	free(next);
}

ATF_TC_WITHOUT_HEAD(all_that_need_a_restart_are_named_at_once);
ATF_TC_BODY(all_that_need_a_restart_are_named_at_once, tc)
{
	struct conf *now, *next;

	two_configs(&now, &next);
	next->workers = 3;
	next->user[1] = 'x';
	next->chroot[1] = 'x';
	next->cache_size = 0;
	next->tcp_max = TCP_MOST + 1;
	refused(now, next,
	    "workers: needs a restart\n"
	    "user: needs a restart\n"
	    "chroot: needs a restart\n"
	    "cache size: needs a restart\n"
	    "more tcp connections: needs a restart\n");
	free(now);
	free(next);
}

ATF_TC_WITHOUT_HEAD(everything_else_may_change_and_nothing_is_said);
ATF_TC_BODY(everything_else_may_change_and_nothing_is_said, tc)
{
	struct conf *now, *next;

	two_configs(&now, &next);
	ATF_CHECK(config_may_become(now, next, TCP_MOST));
	next->nlisten = 1;
	next->listen[0].port = 5353;
	next->listen_or[0] = 5354;
	next->nallow = 1;
	next->udp_size = CONF_UDP_SIZE_MAX;
	next->ttl_min = 1;
	next->ttl_max = 2;
	next->ttl_negative = 3;
	next->stale = 0;
	next->tcp_max = TCP_MOST;
	next->tcp_each = 1;
	next->upstream[0].npin = 0;
	next->nupstream = next->nused = 2;
	next->zone[0].policy = CONF_RACE;
	next->zone[0].nupstream = 2;
	next->zone[0].upstream[1] = 1;
	ATF_CHECK(config_may_become(now, next, TCP_MOST));
	/* Back again, and to fewer connections than there is room for. */
	ATF_CHECK(config_may_become(next, now, TCP_MOST));
	ATF_CHECK_STREQ("", told);
	free(now);
	free(next);
}

static void
asks_elsewhere(const struct conf *now, struct conf *next, const char *change)
{
	ATF_CHECK_MSG(config_asks_elsewhere(now, next), "%s", change);
	*next = *now;
	ATF_CHECK(!config_asks_elsewhere(now, next));
}

ATF_TC_WITHOUT_HEAD(what_changes_where_a_question_goes_is_told_from_the_rest);
ATF_TC_BODY(what_changes_where_a_question_goes_is_told_from_the_rest, tc)
{
	struct conf *now, *next;
	struct conf_upstream *up;
	struct conf_zone *zone;

	(void)tc;
	two_configs(&now, &next);
	up = &next->upstream[0];
	zone = &next->zone[0];
	(void)snprintf(up->host, sizeof(up->host), "other.example");
	asks_elsewhere(now, next, "name");
	(void)snprintf(up->ca, sizeof(up->ca), "/other.pem");
	asks_elsewhere(now, next, "ca");
	up->pin[up->npin - 1][CONF_PIN_LEN - 1] ^= 1;
	asks_elsewhere(now, next, "pin");
	up->npin--;
	asks_elsewhere(now, next, "one pin less");
	up->address[up->naddress - 1].port++;
	asks_elsewhere(now, next, "port");
	up->naddress--;
	asks_elsewhere(now, next, "one address less");
	up->plain = true;
	asks_elsewhere(now, next, "plain");
	(void)snprintf(up->interface, sizeof(up->interface), "lo");
	asks_elsewhere(now, next, "interface");
	up->source4 = now->upstream[0].address[0];
	asks_elsewhere(now, next, "source");
	up->source6 = now->upstream[0].address[2];
	asks_elsewhere(now, next, "source, IPv6");
	up->socks = now->upstream[0].address[0];
	asks_elsewhere(now, next, "proxy");
	next->upstream[1] = next->upstream[0];
	next->nused = next->nupstream = 2;
	zone->upstream[1] = 1;
	zone->nupstream = 2;
	asks_elsewhere(now, next, "one upstream more");
	next->zone[1] = next->zone[0];
	next->nzone = 2;
	asks_elsewhere(now, next, "a zone more");

	next->upstream[1] = now->upstream[1] = now->upstream[0];
	next->nused = now->nused = next->nupstream = now->nupstream = 2;
	zone->nupstream = now->zone[0].nupstream = 2;
	now->zone[0].upstream[1] = 1;
	zone->upstream[0] = 1;
	zone->upstream[1] = 0;
	asks_elsewhere(now, next, "the other upstream first");
	next->zone[1] = now->zone[1] = now->zone[0];
	next->nzone = now->nzone = 2;
	next->zone[1].name[0] = 1;
	next->zone[1].name_len = 3;
	asks_elsewhere(now, next, "a zone's name");

	up->builtin = !up->builtin;
	zone->policy = CONF_RACE;
	next->udp_size = 4096;
	next->ttl_max = 60;
	(void)snprintf(up->name, sizeof(up->name), "renamed");
	next->nallow--;
	ATF_CHECK(!config_asks_elsewhere(now, next));
	free(now);
	free(next);
}

ATF_TP_ADD_TCS(tp)
{
	log_init("may_become_test", false);
	ATF_TP_ADD_TC(tp, each_setting_that_needs_a_restart_is_refused_by_name);
	ATF_TP_ADD_TC(tp, a_cache_neither_comes_nor_goes_without_a_restart);
	ATF_TP_ADD_TC(tp, all_that_need_a_restart_are_named_at_once);
	ATF_TP_ADD_TC(tp, everything_else_may_change_and_nothing_is_said);
	ATF_TP_ADD_TC(
	    tp, what_changes_where_a_question_goes_is_told_from_the_rest);
	return atf_no_error();
}
