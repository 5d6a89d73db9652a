/* How many connections each client has, against a plain list of them. */
#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unpriv/worker/source.h"

#define CLIENTS 40
#define OPEN	300

static struct source_table table;

static void
set_up(void)
{
	memset(&table, 0, sizeof(table));
	table.key = (struct siphash_key){ 1, 2 };
	table.bits4 = 32;
	table.bits6 = 56;
}

static uint32_t
add(const char *text, uint32_t limit)
{
	struct netaddr a;

	ATF_REQUIRE(netaddr_parse(&a, text));
	a.port = (uint16_t)(rand() % 65536);
	return source_add(&table, &a, limit);
}

static uint32_t
add_nth(uint32_t n, uint32_t limit)
{
	char text[32];

	(void)snprintf(
	    text, sizeof(text), "10.%u.%u.%u", n >> 16, n >> 8 & 255, n & 255);
	return add(text, limit);
}

ATF_TC_WITHOUT_HEAD(a_client_is_a_prefix_and_has_so_many_and_no_more);
ATF_TC_BODY(a_client_is_a_prefix_and_has_so_many_and_no_more, tc)
{
	uint32_t first;

	(void)tc;
	set_up();
	ATF_CHECK_EQ(SOURCE_NONE, add("192.0.2.1", 0));
	first = add("2001:db8:0:1::1", 2);
	ATF_REQUIRE(first != SOURCE_NONE);
	ATF_CHECK_EQ(first, add("2001:db8:0:ff::2", 2));
	ATF_CHECK_EQ(SOURCE_NONE, add("2001:db8::3", 2));
	ATF_CHECK(add("2001:db8:0:100::3", 2) != SOURCE_NONE);
	ATF_CHECK_EQ(2, table.entry[first].count);
	/* The first bytes of an IPv4 address may be the same. */
	ATF_CHECK(add("32.1.13.184", 1) != SOURCE_NONE);
	/* A reload may have made it less. */
	ATF_CHECK_EQ(SOURCE_NONE, add("2001:db8::3", 1));
	ATF_CHECK_EQ(first, add("2001:db8::3", 3));
	source_drop(&table, first);
	source_drop(&table, first);
	ATF_CHECK_EQ(1, table.entry[first].count);
	ATF_CHECK_EQ(first, add("2001:db8::3", 2));
}

ATF_TC_WITHOUT_HEAD(connections_that_come_and_go_are_counted_by_client);
ATF_TC_BODY(connections_that_come_and_go_are_counted_by_client, tc)
{
	uint32_t count[CLIENTS] = { 0 }, limit, client, entry, n = 0, i;
	struct {
		uint32_t client, entry;
	} open[OPEN];
	int round;

	(void)tc;
	set_up();
	srand(4711);
	for (round = 0; round < 100000; round++) {
		if (n == OPEN || (n > 0 && rand() % 2 == 0)) {
			i = (uint32_t)rand() % n;
			source_drop(&table, open[i].entry);
			count[open[i].client]--;
			open[i] = open[--n];
			continue;
		}
		client = (uint32_t)rand() % CLIENTS;
		limit = (uint32_t)rand() % 16;
		entry = add_nth(client, limit);
		ATF_REQUIRE_EQ(count[client] < limit, entry != SOURCE_NONE);
		if (entry == SOURCE_NONE)
			continue;
		ATF_REQUIRE_EQ(++count[client], table.entry[entry].count);
		open[n].client = client;
		open[n++].entry = entry;
	}
	/* As many entries as there ever were clients at once. */
	ATF_CHECK(table.fresh <= CLIENTS);
}

ATF_TC_WITHOUT_HEAD(a_full_table_takes_no_more_clients_until_one_has_gone);
ATF_TC_BODY(a_full_table_takes_no_more_clients_until_one_has_gone, tc)
{
	static uint32_t entry[SOURCES_MAX];
	uint32_t i, round;

	(void)tc;
	set_up();
	for (i = 0; i < SOURCES_MAX; i++) {
		entry[i] = add_nth(i, 1);
		ATF_REQUIRE(entry[i] != SOURCE_NONE && entry[i] <= SOURCES_MAX);
	}
	ATF_CHECK_EQ(SOURCE_NONE, add("192.0.2.1", 1));
	ATF_CHECK_EQ(entry[7], add_nth(7, 2));
	source_drop(&table, entry[7]);
	for (round = 0; round < 3; round++) {
		for (i = 0; i < SOURCES_MAX; i += 3)
			source_drop(&table, entry[i]);
		for (i = 0; i < SOURCES_MAX; i += 3) {
			entry[i] = add_nth(i, 1);
			ATF_REQUIRE(entry[i] != SOURCE_NONE);
		}
		ATF_CHECK_EQ(SOURCE_NONE, add("192.0.2.1", 1));
	}
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_client_is_a_prefix_and_has_so_many_and_no_more);
	ATF_TP_ADD_TC(tp, connections_that_come_and_go_are_counted_by_client);
	ATF_TP_ADD_TC(
	    tp, a_full_table_takes_no_more_clients_until_one_has_gone);
	return atf_no_error();
}
