/*
 * Who stays in the limits' table while a flood of addresses goes through it,
 * in as much memory as the config says.
 */
#include <atf-c.h>
#include <stdio.h>
#include <string.h>

#include "unpriv/worker/limit.h"

#include "cache_room.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)
#define CLIENTS	   20
#define FLOOD	   200 /* a millisecond */
#define SECONDS	   60
#define ENTRY_SIZE sizeof(struct limit_entry)

static struct limit limit;
static struct conf_limit conf;
static uint64_t now, state;

/* Between two pages that nobody may touch. */
static void
set_up(uint32_t memory)
{
	const struct siphash_key key = { 3, 4 };

	conf = (struct conf_limit){ .rate = CONF_LIMIT_RATE,
		.burst = CONF_LIMIT_BURST,
		.prefix = CONF_LIMIT_PREFIX,
		.prefix6 = CONF_LIMIT_PREFIX6,
		.slip = CONF_LIMIT_SLIP,
		.memory = memory };
	limit_init(&limit, &conf, room_new(memory), &key);
	now = 1000000;
	state = 5;
}

static struct netaddr
any_address(uint8_t family)
{
	struct netaddr a = { .family = family, .bits = family == 4 ? 32 : 128 };
	const uint64_t high = room_random(&state), low = room_random(&state);

	memcpy(a.bytes, &high, family == 4 ? 4 : 8);
	if (family == 6)
		memcpy(a.bytes + 8, &low, 8);
	return a;
}

static struct limit_look
look(const struct netaddr *a)
{
	struct limit_look found;
	struct limit_key key;

	limit_find(&limit, a, false, &key);
	found = limit_look(&limit, &key, now);
	if (found.verdict == LIMIT_UNDER || found.verdict == LIMIT_LEAK)
		limit_charge(&limit, &key, LIMIT_COST_MISS);
	return found;
}

static struct limit_entry *
entry_of(const struct netaddr *a)
{
	struct limit_key key;

	limit_find(&limit, a, false, &key);
	return limit_set_find(limit.family[key.six].entry +
		(size_t)key.set[LIMIT_CLIENT] * LIMIT_WAYS,
	    key.tag[LIMIT_CLIENT]);
}

static void
count_entries(uint32_t got[2])
{
	uint32_t i, six;

	for (six = 0; six < 2; six++) {
		got[six] = 0;
		for (i = 0; i < limit.sets * LIMIT_WAYS; i++)
			got[six] += limit.family[six].entry[i].tag != 0;
	}
}

/* A write beyond the memory would end the test. */
CASE(its_memory_is_what_the_config_says_whatever_comes)
{
	const uint32_t sizes[] = { CONF_LIMIT_MEMORY_MIN, 1000000 & ~63U };
	uint32_t got[2], i;
	struct netaddr a;
	size_t size;

	(void)tc;
	for (size = 0; size < 2; size++) {
		set_up(sizes[size]);
		for (i = 0; i < 1000000; i++) {
			now += i % 4 == 0;
			a = any_address(i % 2 == 0 ? 4 : 6);
			(void)look(&a);
		}
		count_entries(got);
		ATF_CHECK_EQ(sizes[size] / 128 * 4, got[0]);
		ATF_CHECK_EQ(sizes[size] / 128 * 4, got[1]);
	}
}

CASE(a_flood_of_ipv6_pushes_no_ipv4_out)
{
	static struct netaddr client[1000];
	uint32_t i, left = 0, got[2], before[2];
	struct netaddr a;

	(void)tc;
	set_up(CONF_LIMIT_MEMORY);
	for (i = 0; i < 1000; i++) {
		client[i] = any_address(4);
		(void)look(&client[i]);
	}
	count_entries(before);
	for (i = 0; i < 2000000; i++) {
		now += i % FLOOD == 0;
		a = any_address(6);
		(void)look(&a);
	}
	for (i = 0; i < 1000; i++)
		left += entry_of(&client[i]) != NULL;
	ATF_CHECK_EQ(1000, left);
	count_entries(got);
	ATF_CHECK_EQ(before[0], got[0]);
	ATF_CHECK_EQ(limit.sets * LIMIT_WAYS, got[1]);
}

CASE(the_one_away_for_longest_leaves_first_and_regulars_last)
{
	struct limit_entry set[LIMIT_WAYS];
	struct limit_bucket bucket = { .window = 0 };
	uint32_t at = UINT32_MAX - 25, tag;

	(void)tc;
	memset(set, 0, sizeof(set));
	limit_set_bucket(&bucket, 500, 1000);
	/* The clock wraps amid them. */
	for (tag = 1; tag <= 4; tag++)
		(void)limit_set_visit(set, tag, &bucket, at += 10);
	(void)limit_set_visit(set, 1, &bucket, at += 10);
	(void)limit_set_visit(set, 5, &bucket, at += 10);
	ATF_CHECK(limit_set_find(set, 2) == NULL);
	ATF_CHECK(limit_set_find(set, 1) != NULL);
	/* The first has come three times: it stays, though it is the oldest. */
	(void)limit_set_visit(set, 1, &bucket, at += 10);
	for (tag = 6; tag <= 100; tag++)
		(void)limit_set_visit(set, tag, &bucket, at += 10);
	ATF_CHECK(limit_set_find(set, 1) != NULL);
	for (tag = 98; tag <= 100; tag++)
		ATF_CHECK(limit_set_find(set, tag) != NULL);
	/* Not for ever. */
	at += 200000;
	for (tag = 101; tag <= 104; tag++)
		(void)limit_set_visit(set, tag, &bucket, at += 10);
	ATF_CHECK(limit_set_find(set, 1) == NULL);
}

CASE(of_regulars_alone_the_one_away_for_longest_leaves)
{
	struct limit_entry set[LIMIT_WAYS];
	struct limit_bucket bucket = { .window = 0 };
	uint32_t at = 1000, tag, i;

	(void)tc;
	memset(set, 0, sizeof(set));
	limit_set_bucket(&bucket, 500, 1000);
	for (i = 0; i < 5; i++)
		for (tag = 1; tag <= 4; tag++)
			(void)limit_set_visit(set, tag, &bucket, at += 10);
	(void)limit_set_visit(set, 5, &bucket, at += 10);
	(void)limit_set_visit(set, 6, &bucket, at + 10);
	ATF_CHECK(limit_set_find(set, 1) == NULL);
	for (tag = 2; tag <= 4; tag++)
		ATF_CHECK(limit_set_find(set, tag) != NULL);
	ATF_CHECK(limit_set_find(set, 5) == NULL);
}

CASE(clients_lie_evenly_among_the_sets)
{
	static uint32_t in[CONF_LIMIT_MEMORY / 64];
	uint32_t i, n = 0, most = 0;
	struct netaddr a = { .family = 4, .bits = 32 };
	struct limit_key key;
	double chi = 0;

	(void)tc;
	set_up(CONF_LIMIT_MEMORY);
	/* Neighbours: 10.0.0.0 to 10.3.255.255, 8 for each set. */
	for (i = 0; i < 1 << 18; i++) {
		a.bytes[0] = 10;
		a.bytes[1] = (uint8_t)(i >> 16);
		a.bytes[2] = (uint8_t)(i >> 8);
		a.bytes[3] = (uint8_t)i;
		limit_find(&limit, &a, false, &key);
		ATF_REQUIRE(key.set[LIMIT_CLIENT] < limit.sets);
		in[key.set[LIMIT_CLIENT]]++;
	}
	for (i = 0; i < limit.sets; i++) {
		n += in[i];
		most = in[i] > most ? in[i] : most;
		chi += (in[i] - 8.0) * (in[i] - 8.0) / 8;
	}
	ATF_CHECK_EQ(1 << 18, n);
	printf("chi-square %.0f of %u, the fullest set %u\n", chi, limit.sets,
	    most);
	/* Mean 32767, deviation 256. */
	ATF_CHECK(chi > 31500 && chi < 34000);
	ATF_CHECK(most < 30);
}

/* Clients at 50 a second, each at random, amid the flood. */
static void
flood(struct netaddr *client, uint32_t nclients, uint32_t forged,
    uint32_t *evicted, uint32_t *strange, uint32_t *asked, uint32_t *regulars)
{
	static struct netaddr a;
	uint32_t ms, i, n;

	*evicted = *strange = *asked = *regulars = 0;
	for (ms = 0; ms < SECONDS * 1000; ms++, now++) {
		for (i = 0; i < FLOOD; i++) {
			a = any_address(4);
			if (forged != 0) {
				n = (uint32_t)room_random(&state) % forged;
				memcpy(a.bytes, &n, 4);
			}
			*regulars += look(&a).regular;
		}
		for (i = 0; i < nclients; i++) {
			if (room_random(&state) % 20 != 0)
				continue;
			(*asked)++;
			*evicted += entry_of(&client[i]) == NULL;
			*strange += !look(&client[i]).regular;
		}
	}
}

ATF_TC(clients_stay_regulars_while_200000_new_addresses_a_second_come);
ATF_TC_HEAD(clients_stay_regulars_while_200000_new_addresses_a_second_come, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(clients_stay_regulars_while_200000_new_addresses_a_second_come, tc)
{
	uint32_t evicted, strange, asked, regulars, i;
	struct netaddr client[CLIENTS];

	(void)tc;
	set_up(CONF_LIMIT_MEMORY);
	for (i = 0; i < CLIENTS; i++)
		client[i] = any_address(4);
	flood(client, CLIENTS, 0, &evicted, &strange, &asked, &regulars);
	printf("%u asked, %u not in the table, %u as strangers; %u forged "
	       "taken for regulars\n",
	    asked, evicted, strange, regulars);
	/* Two each, until they are known. */
	ATF_CHECK(strange <= 3 * CLIENTS);
	ATF_CHECK(evicted <= 2 * CLIENTS);
	ATF_CHECK_EQ(0, regulars);
}

/* Each of them comes twice a second: these do come back. */
ATF_TC(clients_stay_regulars_among_100000_addresses_that_keep_coming);
ATF_TC_HEAD(clients_stay_regulars_among_100000_addresses_that_keep_coming, tc)
{
	atf_tc_set_md_var(tc, "timeout", "120");
}
ATF_TC_BODY(clients_stay_regulars_among_100000_addresses_that_keep_coming, tc)
{
	uint32_t evicted, strange, asked, regulars, i;
	struct netaddr client[CLIENTS];

	(void)tc;
	set_up(CONF_LIMIT_MEMORY);
	for (i = 0; i < CLIENTS; i++)
		client[i] = any_address(4);
	flood(client, CLIENTS, 100000, &evicted, &strange, &asked, &regulars);
	printf("%u asked, %u not in the table, %u as strangers\n", asked,
	    evicted, strange);
	ATF_CHECK(strange <= asked / 100);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, its_memory_is_what_the_config_says_whatever_comes);
	ATF_TP_ADD_TC(tp, a_flood_of_ipv6_pushes_no_ipv4_out);
	ATF_TP_ADD_TC(
	    tp, the_one_away_for_longest_leaves_first_and_regulars_last);
	ATF_TP_ADD_TC(tp, of_regulars_alone_the_one_away_for_longest_leaves);
	ATF_TP_ADD_TC(tp, clients_lie_evenly_among_the_sets);
	ATF_TP_ADD_TC(
	    tp, clients_stay_regulars_while_200000_new_addresses_a_second_come);
	ATF_TP_ADD_TC(
	    tp, clients_stay_regulars_among_100000_addresses_that_keep_coming);
	return atf_no_error();
}
