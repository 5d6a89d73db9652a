/*
 * A config as the parent tells it, on its way into the TLS process: what comes
 * out is what the config said, and no field that is wrong gets in.
 */
#include <sys/mman.h>
#include <atf-c.h>
#include <stdlib.h>
#include <string.h>

#include "priv/ipc_conf.h"
#include "dotproxy/log.h"
#include "unpriv/tls/upstream.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

static struct told {
	enum ipc_type type;
	size_t len;
	bool fd;
	_Alignas(8) uint8_t payload[1024];
} told[64];
static size_t ntold;
static struct conf conf;
static struct upstreams *taken;

static void
no_log(int priority, const char *line)
{
	(void)priority;
	(void)line;
}

static void
keep(void *ctx, enum ipc_type type, const void *payload, size_t len, int fd)
{
	(void)ctx;
	ATF_REQUIRE(ntold < sizeof(told) / sizeof(told[0]));
	ATF_REQUIRE(len <= sizeof(told[0].payload));
	ATF_REQUIRE(len >= ipc_rule(type)->min && len <= ipc_rule(type)->max);
	told[ntold].type = type;
	told[ntold].len = len;
	told[ntold].fd = fd != -1;
	memcpy(told[ntold++].payload, payload, len);
}

static void
zone(const char *name, size_t len, uint32_t policy, const uint8_t *up, size_t n)
{
	struct conf_zone *z = &conf.zone[conf.nzone++];

	memcpy(z->name, name, len);
	z->name_len = (uint8_t)len;
	z->policy = policy;
	memcpy(z->upstream, up, n);
	z->nupstream = (uint32_t)n;
}

static void
tell_all(void)
{
	static const struct siphash_key key;
	struct ipc_generation commit = { 7 };
	int ca[CONF_UPSTREAMS_MAX];
	uint32_t i;

	/* Only whether there is one matters. */
	for (i = 0; i < CONF_UPSTREAMS_MAX; i++)
		ca[i] = conf.upstream[i].plain ? -1 : 0;
	ntold = 0;
	ipc_conf_tls(&conf, 7, true, false, ca, &key, keep, NULL);
	keep(NULL, IPC_COMMIT, &commit, sizeof(commit), -1);
}

/* Three upstreams, of which two are in use, by three zones. */
static void
record(void)
{
	uint32_t i;

	log_set_sink(no_log);
	memset(&conf, 0, sizeof(conf));
	conf.nupstream = 3;
	conf.nused = 2;
	for (i = 0; i < conf.nupstream; i++) {
		conf.upstream[i].name[0] = (char)('a' + i);
		conf.upstream[i].host[0] = (char)('h' + i);
		conf.upstream[i].naddress = 1;
		ATF_REQUIRE(
		    netaddr_parse(&conf.upstream[i].address[0], "192.0.2.1"));
		conf.upstream[i].address[0].port = 853;
	}
	conf.upstream[1].npin = 1;
	zone("", 1, CONF_RACE, (const uint8_t *)"\0\1", 2);
	zone("\4corp\7example", 14, CONF_FAILOVER, (const uint8_t *)"\1", 1);
	zone("\1a\4corp\7example", 16, CONF_ROUND_ROBIN,
	    (const uint8_t *)"\1\0", 2);
	tell_all();
}

/* All that was recorded; NULL, or what is wrong with it. */
static const char *
replay(void)
{
	static struct intake intake;
	struct ipc_message m;
	const char *wrong = NULL;
	size_t i;

	upstreams_free(intake.all);
	memset(&intake, 0, sizeof(intake));
	upstreams_free(taken);
	taken = NULL;
	for (i = 0; i < ntold && wrong == NULL; i++) {
		m.type = told[i].type;
		m.payload = told[i].payload;
		m.len = told[i].len;
		m.fd = -1;
		if (told[i].fd)
			ATF_REQUIRE((m.fd = memfd_create("ca", 0)) != -1);
		ATF_REQUIRE(taken == NULL);
		wrong = intake_message(&intake, &m, &taken);
	}
	ATF_CHECK((wrong == NULL) == (taken != NULL));
	return wrong;
}

static void *
nth(enum ipc_type type, unsigned int n)
{
	size_t i;

	for (i = 0; i < ntold; i++)
		if (told[i].type == type && n-- == 0)
			return told[i].payload;
	atf_tc_fail("there is no such message");
}

CASE(what_the_config_says_is_what_is_taken)
{
	uint32_t i;

	(void)tc;
	record();
	ATF_REQUIRE(replay() == NULL);
	ATF_CHECK_EQ(7, taken->generation);
	ATF_CHECK(taken->verbose);
	ATF_CHECK_EQ(2, taken->n);
	ATF_CHECK_STREQ("a", taken->one[0].name);
	ATF_CHECK_STREQ("i", taken->one[1].host);
	ATF_CHECK_EQ(1, taken->one[1].npin);
	ATF_REQUIRE_EQ(3, taken->nzone);
	for (i = 0; i < taken->nzone; i++)
		ATF_CHECK(memcmp(&taken->zone[i], &conf.zone[i],
			      sizeof(conf.zone[i])) == 0);
}

/* The second zone's own upstream is a plain one, and no other zone's. */
static void
record_plain(void)
{
	record();
	conf.upstream[1].plain = true;
	conf.upstream[1].npin = 0;
	conf.upstream[1].host[0] = '\0';
	conf.zone[0].nupstream = 1;
	conf.zone[2].upstream[0] = 0;
	conf.zone[2].nupstream = 1;
	tell_all();
}

CASE(a_plain_upstream_is_for_a_zone_whose_all_are_plain)
{
	(void)tc;
	record_plain();
	ATF_REQUIRE(replay() == NULL);
	ATF_CHECK(!taken->one[0].plain);
	ATF_CHECK(taken->one[1].plain);
	conf.zone[0].upstream[0] = 1;
	tell_all();
	ATF_CHECK(replay() != NULL);
	/* In a trial nobody asks anything of a zone. */
	((struct ipc_conf_tls *)nth(IPC_CONF_TLS, 0))->trial = 1;
	ATF_CHECK(replay() == NULL);
	ATF_CHECK(taken->trial);
	((struct ipc_conf_tls *)nth(IPC_CONF_TLS, 0))->trial = 2;
	ATF_CHECK(replay() != NULL);
	record_plain();
	conf.zone[2].nupstream = 2;
	conf.zone[2].upstream[1] = 1;
	tell_all();
	ATF_CHECK(replay() != NULL);
}

CASE(a_plain_upstream_has_nothing_of_tls_and_another_has_it)
{
	struct ipc_upstream *u;
	size_t i;

	(void)tc;
	for (i = 0; i < 5; i++) {
		record_plain();
		u = nth(IPC_UPSTREAM, 1);
		if (i == 0)
			u->plain = 2;
		else if (i == 1)
			u->host[0] = 'h';
		else if (i == 2)
			u->npin = 1;
		else if (i == 3)
			((struct told *)(void *)((uint8_t *)u -
			     offsetof(struct told, payload)))
			    ->fd = true;
		else
			u->plain = 0;
		ATF_CHECK_MSG(replay() != NULL, "case %zu", i);
	}
	record();
	told[1].fd = false;
	ATF_REQUIRE_EQ(IPC_UPSTREAM, told[1].type);
	ATF_CHECK(replay() != NULL);
}

/* How a change of an upstream's way is told: as another number. */
CASE(another_way_to_an_upstream_is_told_from_the_one_before)
{
	struct conf_upstream *u = &conf.upstream[0];
	uint32_t way[7], i, j;

	(void)tc;
	record();
	for (i = 0; i < 7; i++) {
		switch (i) {
		case 1:
			ATF_REQUIRE(netaddr_parse(&u->socks, "127.0.0.1"));
			break;
		case 2:
			u->socks_user[0] = 'u';
			break;
		case 3:
			u->socks_password[0] = 'p';
			break;
		case 4:
			u->interface[0] = 'l';
			break;
		case 5:
			ATF_REQUIRE(netaddr_parse(&u->source4, "127.0.0.1"));
			break;
		case 6:
			ATF_REQUIRE(netaddr_parse(&u->source6, "::1"));
			break;
		}
		tell_all();
		way[i] = ((struct ipc_upstream *)nth(IPC_UPSTREAM, 0))->way;
		for (j = 0; j < i; j++)
			ATF_CHECK_MSG(way[i] != way[j], "%u and %u", i, j);
	}
}

CASE(what_is_reached_in_another_way_is_connected_to_anew)
{
	struct pool_upstream for_pool[CONF_UPSTREAMS_MAX];
	struct upstreams *before;
	uint32_t i;

	(void)tc;
	for (i = 0; i < 2; i++) {
		record();
		ATF_REQUIRE(replay() == NULL);
		before = taken;
		taken = NULL;
		record();
		((struct ipc_upstream *)nth(IPC_UPSTREAM, 0))->way += i;
		ATF_REQUIRE(replay() == NULL);
		upstreams_for_pool(taken, before, for_pool);
		ATF_CHECK_EQ(
		    i == 0 ? 0 : UINT32_MAX, for_pool[0].was_upstream[0]);
		ATF_CHECK_EQ(1, for_pool[1].was_upstream[0]);
		upstreams_free(before);
	}
}

/* One field of the zone that n is, after another. */
static void
zone_is_refused(unsigned int n, size_t offset, const void *value, size_t len)
{
	uint8_t *zone_message;

	record();
	zone_message = nth(IPC_ZONE, n);
	memcpy(zone_message + offset, value, len);
	ATF_CHECK_MSG(replay() != NULL, "zone %u, offset %zu", n, offset);
}

#define REFUSED(n, field, ...)                                                 \
	do {                                                                   \
		static const uint32_t value_[] = { __VA_ARGS__ };              \
		zone_is_refused(n, offsetof(struct ipc_zone, field), value_,   \
		    sizeof(value_));                                           \
	} while (0)

CASE(each_number_of_a_zone_that_is_wrong_is_refused)
{
	(void)tc;
	REFUSED(0, index, 1);
	REFUSED(2, index, 1);
	REFUSED(2, index, 64);
	REFUSED(1, policy, CONF_POLICIES);
	REFUSED(1, policy, UINT32_MAX);
	REFUSED(1, nupstream, 0);
	REFUSED(0, nupstream, 1); /* and one too many behind */
	REFUSED(2, nupstream, 3); /* and one of them twice */
	REFUSED(1, nupstream, CONF_UPSTREAMS_MAX + 1);
	REFUSED(1, nupstream, UINT32_MAX);
	REFUSED(1, name_len, 0);
	REFUSED(1, name_len, 1);
	REFUSED(1, name_len, 13);
	REFUSED(1, name_len, 15);
	REFUSED(1, name_len, 256);
	REFUSED(1, name_len, UINT32_MAX);
	REFUSED(0, name_len, 0);
	REFUSED(0, name_len, 2);
}

CASE(an_upstream_that_a_zone_cannot_have_is_refused)
{
	const size_t at = offsetof(struct ipc_zone, upstream);

	(void)tc;
	zone_is_refused(1, at, "\2", 1);
	zone_is_refused(1, at, "\377", 1);
	zone_is_refused(0, at, "\1\1", 2);
	zone_is_refused(1, at + 1, "\1", 1);
	zone_is_refused(1, at + CONF_UPSTREAMS_MAX - 1, "\1", 1);
}

CASE(a_name_that_is_none_or_not_folded_is_refused)
{
	const size_t at = offsetof(struct ipc_zone, name);

	(void)tc;
	zone_is_refused(1, at, "\4Corp", 5);
	zone_is_refused(1, at, "\5corp", 5);
	zone_is_refused(1, at, "\100corp", 5);
	zone_is_refused(1, at, "\300\14", 2);
	zone_is_refused(1, at + 13, "x", 1);
	zone_is_refused(1, at + 14, "x", 1);
	zone_is_refused(1, at + 255, "x", 1);
	zone_is_refused(0, at, "\1a", 3);
	/* The name of the one before. */
	record();
	memcpy(nth(IPC_ZONE, 2), nth(IPC_ZONE, 1), sizeof(struct ipc_zone));
	((struct ipc_zone *)nth(IPC_ZONE, 2))->index = 2;
	ATF_CHECK(replay() != NULL);
}

CASE(more_or_fewer_than_announced_are_refused)
{
	struct ipc_conf_tls *head;
	size_t i, n;

	(void)tc;
	record();
	n = ntold;
	/* Without each one of them. */
	for (i = 0; i < n; i++) {
		record();
		ntold--;
		memmove(&told[i], &told[i + 1], (ntold - i) * sizeof(told[0]));
		if (i < ntold)
			ATF_CHECK_MSG(replay() != NULL, "without %zu", i);
	}
	/* With each one of them twice. */
	for (i = 0; i < n - 1; i++) {
		record();
		memmove(&told[i + 1], &told[i], (ntold - i) * sizeof(told[0]));
		ntold++;
		ATF_CHECK_MSG(replay() != NULL, "%zu twice", i);
	}
	record();
	head = nth(IPC_CONF_TLS, 0);
	for (i = 0; i < 4; i++) {
		static const uint32_t nzone[] = { 0, 2, 4, CONF_ZONES_MAX + 1 };

		record();
		head->nzone = nzone[i];
		ATF_CHECK_MSG(replay() != NULL, "%u zones", nzone[i]);
	}
}

ATF_TP_ADD_TCS(tp)
{
	log_init("intake_test", false);
	ATF_TP_ADD_TC(tp, what_the_config_says_is_what_is_taken);
	ATF_TP_ADD_TC(tp, a_plain_upstream_is_for_a_zone_whose_all_are_plain);
	ATF_TP_ADD_TC(
	    tp, a_plain_upstream_has_nothing_of_tls_and_another_has_it);
	ATF_TP_ADD_TC(
	    tp, another_way_to_an_upstream_is_told_from_the_one_before);
	ATF_TP_ADD_TC(tp, what_is_reached_in_another_way_is_connected_to_anew);
	ATF_TP_ADD_TC(tp, each_number_of_a_zone_that_is_wrong_is_refused);
	ATF_TP_ADD_TC(tp, an_upstream_that_a_zone_cannot_have_is_refused);
	ATF_TP_ADD_TC(tp, a_name_that_is_none_or_not_folded_is_refused);
	ATF_TP_ADD_TC(tp, more_or_fewer_than_announced_are_refused);
	return atf_no_error();
}
