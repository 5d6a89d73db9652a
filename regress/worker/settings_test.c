/* A config in pieces: each field out of bounds, each count that is wrong. */
#include <atf-c.h>
#include <string.h>

#include "dotproxy/special.h"
#include "unpriv/worker/prefixes.h"
#include "unpriv/worker/settings.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)

static struct staged staged;
static struct ipc_conf_worker conf;
static struct conf_limit limit;
static struct netaddr prefix;
static struct ipc_listen listener;

static void
set_up(void)
{
	memset(&staged, 0, sizeof(staged));
	conf = (struct ipc_conf_worker){ .generation = 2,
		.workers = 4,
		.index = 3,
		.nallow = 1,
		.nlisten = 1,
		.udp_size = 1232,
		.tcp_max = 1024,
		.tcp_each = 64,
		.ttl_max = 86400,
		.block = { CONF_BLOCK_AFTER, CONF_BLOCK_OVER, CONF_BLOCK_FOR,
		    CONF_BLOCK_MAX } };
	limit = (struct conf_limit){ 500, 1000, 32, 56, 250, 2,
		CONF_LIMIT_MEMORY, 0, 1, 2, 10, 0, { { { 0 }, 0, 0, 0, 0 } } };
	ATF_REQUIRE(netaddr_parse_prefix(&prefix, "10.0.0.0/9"));
	memset(&listener, 0, sizeof(listener));
	ATF_REQUIRE(netaddr_parse(&listener.address, "127.0.0.1"));
	listener.address.port = 53;
	listener.proto = IPC_UDP;
}

static const char *
begin(void)
{
	const char *wrong = stage_begin(&staged, &conf, 1);

	return wrong != NULL ? wrong : stage_limit(&staged, &limit);
}

static const char *
commit(uint32_t generation)
{
	struct ipc_generation m = { generation };

	return stage_commit(&staged, &m);
}

CASE(a_whole_config_is_taken)
{
	struct netaddr a;

	(void)tc;
	set_up();
	ATF_CHECK(begin() == NULL);
	ATF_CHECK(stage_allow(&staged, &prefix, 1) == NULL);
	ATF_CHECK(stage_socket(&staged, &listener, 5) == NULL);
	ATF_CHECK(commit(2) == NULL);
	ATF_CHECK_EQ(2, staged.settings.generation);
	ATF_CHECK_EQ(5, staged.socket[0].fd);
	ATF_REQUIRE(netaddr_parse(&a, "10.127.255.255"));
	ATF_CHECK(settings_allow(&staged.settings, &a));
	ATF_REQUIRE(netaddr_parse(&a, "10.128.0.0"));
	ATF_CHECK(!settings_allow(&staged.settings, &a));
	ATF_REQUIRE(netaddr_parse(&a, "::1"));
	ATF_CHECK(!settings_allow(&staged.settings, &a));
}

CASE(a_list_of_prefixes_is_one_there_is_clean_and_as_long_as_announced)
{
	struct ipc_prefixes head = { .list = IPC_COOKIES_FOR };
	struct netaddr two[2], dirty;

	(void)tc;
	set_up();
	ATF_REQUIRE(netaddr_parse_prefix(&two[0], "192.0.2.0/24"));
	ATF_REQUIRE(netaddr_parse_prefix(&two[1], "2001:db8::/32"));
	dirty = two[0];
	dirty.bytes[3] = 1;
	ATF_CHECK(stage_prefixes(&staged, &head, two, 2) != NULL);
	conf.cookies = 1;
	conf.ncookies_for = 2;
	conf.nblocked = 1;
	ATF_REQUIRE(begin() == NULL);
	ATF_CHECK(stage_prefixes(&staged, &head, two, 1) != NULL);
	head.zero = 1;
	ATF_CHECK(stage_prefixes(&staged, &head, two, 2) != NULL);
	head = (struct ipc_prefixes){ .list = IPC_LISTS };
	ATF_CHECK(stage_prefixes(&staged, &head, two, 2) != NULL);
	head.list = IPC_ALWAYS_BLOCKED;
	ATF_CHECK(stage_prefixes(&staged, &head, &dirty, 1) != NULL);
	dirty = two[0];
	dirty.family = 5;
	ATF_CHECK(stage_prefixes(&staged, &head, &dirty, 1) != NULL);
	dirty = two[0];
	dirty.port = 53;
	ATF_CHECK(stage_prefixes(&staged, &head, &dirty, 1) != NULL);
	ATF_CHECK(stage_prefixes(&staged, &head, two, 1) == NULL);
	head.list = IPC_COOKIES_FOR;
	ATF_CHECK(stage_prefixes(&staged, &head, two, 2) == NULL);
	/* Not twice. */
	ATF_CHECK(stage_prefixes(&staged, &head, two, 2) != NULL);
}

/* In whatever order they come. */
CASE(a_config_s_prefixes_are_taken_in_order)
{
	struct ipc_prefixes head = { .list = IPC_COOKIES_FOR };
	struct netaddr list[3], a;

	(void)tc;
	set_up();
	ATF_REQUIRE(netaddr_parse_prefix(&list[0], "2001:db8::/32"));
	ATF_REQUIRE(netaddr_parse_prefix(&list[1], "192.0.2.0/24"));
	ATF_REQUIRE(netaddr_parse_prefix(&list[2], "10.0.0.0/8"));
	conf.cookies = 1;
	conf.nallow = conf.ncookies_for = conf.nblocked = 3;
	ATF_REQUIRE(begin() == NULL);
	ATF_REQUIRE(stage_allow(&staged, list, 3) == NULL);
	ATF_REQUIRE(stage_prefixes(&staged, &head, list, 3) == NULL);
	head.list = IPC_ALWAYS_BLOCKED;
	ATF_REQUIRE(netaddr_parse_prefix(&list[0], "203.0.113.0/24"));
	ATF_REQUIRE(netaddr_parse_prefix(&list[2], "11.0.0.0/8"));
	ATF_REQUIRE(stage_prefixes(&staged, &head, list, 3) == NULL);
	ATF_REQUIRE(stage_socket(&staged, &listener, 5) == NULL);
	ATF_REQUIRE(commit(2) == NULL);
	ATF_REQUIRE(netaddr_parse(&a, "10.9.8.7"));
	ATF_CHECK(settings_allow(&staged.settings, &a));
	ATF_CHECK(settings_need_cookie(&staged.settings, &a));
	ATF_CHECK(!prefixes_have(
	    staged.settings.blocked, staged.settings.nblocked, &a));
	ATF_REQUIRE(netaddr_parse(&a, "2001:db8::9"));
	ATF_CHECK(settings_allow(&staged.settings, &a));
	ATF_CHECK(settings_need_cookie(&staged.settings, &a));
	ATF_REQUIRE(netaddr_parse(&a, "11.0.0.1"));
	ATF_CHECK(!settings_need_cookie(&staged.settings, &a));
	ATF_CHECK(prefixes_have(
	    staged.settings.blocked, staged.settings.nblocked, &a));
	ATF_REQUIRE(netaddr_parse(&a, "203.0.113.9"));
	ATF_CHECK(prefixes_have(
	    staged.settings.blocked, staged.settings.nblocked, &a));
}

CASE(domains_are_folded_and_as_many_as_announced)
{
	struct ipc_forward one = { 6, "\4corp" }, two = { 11, "\4deep\4corp" };
	struct ipc_forward bad;

	(void)tc;
	set_up();
	conf.nforward = 2;
	ATF_CHECK(stage_forward(&staged, &one) != NULL);
	ATF_REQUIRE(begin() == NULL);
	bad = (struct ipc_forward){ 6, "\4Corp" };
	ATF_CHECK(stage_forward(&staged, &bad) != NULL);
	bad = (struct ipc_forward){ 6, "\5corp" };
	ATF_CHECK(stage_forward(&staged, &bad) != NULL);
	bad = (struct ipc_forward){ 6, "\4corp\0x" };
	ATF_CHECK(stage_forward(&staged, &bad) != NULL);
	bad = (struct ipc_forward){ 1, "" };
	ATF_CHECK(stage_forward(&staged, &bad) != NULL);
	bad = (struct ipc_forward){ 256, "\4corp" };
	ATF_CHECK(stage_forward(&staged, &bad) != NULL);
	ATF_CHECK(stage_forward(&staged, &one) == NULL);
	ATF_REQUIRE(stage_allow(&staged, &prefix, 1) == NULL);
	ATF_REQUIRE(stage_socket(&staged, &listener, 5) == NULL);
	ATF_CHECK_STREQ("fewer domains than announced", commit(2));
	ATF_CHECK(stage_forward(&staged, &two) == NULL);
	ATF_CHECK(stage_forward(&staged, &two) != NULL);
	ATF_CHECK(commit(2) == NULL);
	ATF_CHECK_EQ(6,
	    settings_forwarded(&staged.settings, (const uint8_t *)"\4corp", 6));
	ATF_CHECK_EQ(11,
	    settings_forwarded(
		&staged.settings, (const uint8_t *)"\1a\4deep\4corp", 13));
	ATF_CHECK_EQ(0,
	    settings_forwarded(
		&staged.settings, (const uint8_t *)"\6xxcorp", 8));
	/* None of them is left when the next config has none. */
	conf.generation = 3;
	conf.nforward = 0;
	ATF_REQUIRE(begin() == NULL);
	ATF_CHECK_EQ(0,
	    settings_forwarded(&staged.settings, (const uint8_t *)"\4corp", 6));
}

CASE(each_field_out_of_bounds_is_refused)
{
	static const struct {
		size_t offset;
		uint32_t bad;
	} cases[] = {
#define FIELD(name, value) { offsetof(struct ipc_conf_worker, name), value }
		FIELD(generation, 0),
		FIELD(generation, 1),
		FIELD(workers, 0),
		FIELD(workers, CONF_WORKERS_MAX + 1),
		FIELD(index, 4),
		FIELD(nallow, CONF_ALLOW_MAX + 1),
		FIELD(nforward, CONF_ZONES_MAX),
		FIELD(nlisten, 0),
		FIELD(nlisten, SETTINGS_SOCKETS + 1),
		FIELD(udp_size, CONF_UDP_SIZE_MIN - 1),
		FIELD(udp_size, CONF_UDP_SIZE_MAX + 1),
		FIELD(tcp_max, 0),
		FIELD(tcp_max, CONF_TCP_LIMIT + 1),
		FIELD(tcp_each, 0),
		FIELD(tcp_each, CONF_TCP_LIMIT + 1),
		FIELD(ttl_min, 86401),
		FIELD(ttl_max, CONF_TTL_LIMIT + 1),
		FIELD(ttl_negative, CONF_TTL_LIMIT + 1),
		FIELD(stale, CONF_TTL_LIMIT + 1),
		FIELD(cookies, 2),
		FIELD(ncookies_for, CONF_COOKIES_MAX + 1),
		FIELD(nblocked, CONF_BLOCKED_MAX + 1),
		FIELD(block.after, CONF_BLOCK_AFTER_MAX + 1),
		FIELD(block.over, 0),
		FIELD(block.over, CONF_BLOCK_OVER_MAX + 1),
		FIELD(block.first, 0),
		FIELD(block.first, CONF_BLOCK_MAX + 1),
		FIELD(block.max, CONF_BLOCK_FOR_MAX + 1),
		FIELD(special, 1u << SPECIALS),
		FIELD(verbose, 2),
#undef FIELD
	};
	size_t i;

	(void)tc;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_up();
		memcpy((uint8_t *)&conf + cases[i].offset, &cases[i].bad,
		    sizeof(cases[i].bad));
		ATF_CHECK_MSG(begin() != NULL, "case %zu", i);
		ATF_CHECK(!staged.open);
	}
}

/* The limits count over that time all the same. */
CASE(how_long_is_counted_has_its_bound_without_blocks_as_well)
{
	(void)tc;
	set_up();
	conf.block = (struct conf_block){ .over = CONF_BLOCK_OVER_MAX + 1 };
	ATF_CHECK(begin() != NULL);
	conf.block.over--;
	ATF_CHECK(begin() == NULL);
}

CASE(each_limit_out_of_bounds_is_refused)
{
	static const struct {
		size_t offset;
		uint32_t bad;
	} cases[] = {
#define LIMIT(name, value) { offsetof(struct conf_limit, name), value }
		LIMIT(rate, CONF_LIMIT_RATE_MAX + 1),
		LIMIT(burst, 0),
		LIMIT(burst, CONF_LIMIT_RATE_MAX + 1),
		LIMIT(prefix, CONF_LIMIT_PREFIX_MIN - 1),
		LIMIT(prefix, 33),
		LIMIT(prefix6, CONF_LIMIT_PREFIX6_MIN - 1),
		LIMIT(prefix6, 129),
		LIMIT(hit_cost, 1001),
		LIMIT(slip, CONF_LIMIT_SLIP_MAX + 1),
		LIMIT(memory, 0),
		LIMIT(memory, CONF_LIMIT_MEMORY + 1),
		LIMIT(memory, CONF_LIMIT_MEMORY_MAX + CONF_LIMIT_MEMORY_MIN),
		LIMIT(zone_rate, CONF_LIMIT_RATE_MAX + 1),
		LIMIT(zone_burst, 0),
		LIMIT(zone_burst, CONF_LIMIT_RATE_MAX + 1),
		LIMIT(zone_labels, 0),
		LIMIT(zone_labels, CONF_LIMIT_LABELS_MAX + 1),
		LIMIT(amplification, 0),
		LIMIT(amplification, CONF_AMPLIFICATION_MAX + 1),
		LIMIT(nexempt, CONF_LIMIT_EXEMPT_MAX + 1),
#undef LIMIT
	};
	size_t i;

	(void)tc;
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		set_up();
		memcpy((uint8_t *)&limit + cases[i].offset, &cases[i].bad,
		    sizeof(cases[i].bad));
		ATF_CHECK_MSG(begin() != NULL, "case %zu", i);
	}
	set_up();
	limit.exempt[0] = prefix;
	limit.nexempt = 2;
	ATF_CHECK(begin() != NULL);
	set_up();
	limit.exempt[0] = prefix;
	limit.nexempt = 1;
	ATF_CHECK(begin() == NULL);
}

CASE(limits_come_once_within_a_config_and_never_not_at_all)
{
	(void)tc;
	set_up();
	ATF_CHECK(stage_limit(&staged, &limit) != NULL);
	ATF_CHECK(begin() == NULL);
	ATF_CHECK(stage_limit(&staged, &limit) != NULL);
	set_up();
	ATF_CHECK(stage_begin(&staged, &conf, 1) == NULL);
	ATF_CHECK(stage_allow(&staged, &prefix, 1) == NULL);
	ATF_CHECK(stage_socket(&staged, &listener, 5) == NULL);
	ATF_CHECK(commit(2) != NULL);
}

CASE(a_prefix_with_anything_that_does_not_count_is_refused)
{
	(void)tc;
	set_up();
	ATF_CHECK(begin() == NULL);
	prefix.bytes[1] = 0x40;
	ATF_CHECK(stage_allow(&staged, &prefix, 1) != NULL);
	set_up();
	prefix.bytes[5] = 1;
	ATF_CHECK(begin() == NULL);
	ATF_CHECK(stage_allow(&staged, &prefix, 1) != NULL);
	set_up();
	prefix.port = 53;
	ATF_CHECK(begin() == NULL);
	ATF_CHECK(stage_allow(&staged, &prefix, 1) != NULL);
	set_up();
	prefix.family = 5;
	ATF_CHECK(begin() == NULL);
	ATF_CHECK(stage_allow(&staged, &prefix, 1) != NULL);
	set_up();
	prefix.bits = 33;
	ATF_CHECK(begin() == NULL);
	ATF_CHECK(stage_allow(&staged, &prefix, 1) != NULL);
}

CASE(a_socket_that_is_none_is_refused)
{
	(void)tc;
	set_up();
	ATF_CHECK(begin() == NULL);
	listener.proto = 3;
	ATF_CHECK(stage_socket(&staged, &listener, 5) != NULL);
	set_up();
	ATF_CHECK(begin() == NULL);
	listener.address.port = 0;
	ATF_CHECK(stage_socket(&staged, &listener, 5) != NULL);
	set_up();
	ATF_CHECK(begin() == NULL);
	listener.address.bits = 24;
	ATF_CHECK(stage_socket(&staged, &listener, 5) != NULL);
	set_up();
	conf.nlisten = 3;
	ATF_CHECK(begin() == NULL);
	ATF_CHECK(stage_socket(&staged, &listener, 5) == NULL);
	listener.proto = IPC_TCP;
	ATF_CHECK(stage_socket(&staged, &listener, 6) == NULL);
	ATF_CHECK(stage_socket(&staged, &listener, 7) != NULL);
}

CASE(counts_must_agree_with_what_was_announced)
{
	(void)tc;
	set_up();
	ATF_CHECK(begin() == NULL);
	ATF_CHECK(begin() != NULL);
	ATF_CHECK(stage_allow(&staged, &prefix, 1) == NULL);
	ATF_CHECK(stage_allow(&staged, &prefix, 1) != NULL);
	ATF_CHECK(commit(2) != NULL);
	ATF_CHECK(stage_socket(&staged, &listener, 5) == NULL);
	ATF_CHECK(commit(3) != NULL);
	listener.proto = IPC_TCP;
	ATF_CHECK(stage_socket(&staged, &listener, 6) != NULL);
	set_up();
	ATF_CHECK(begin() == NULL);
	ATF_CHECK(stage_socket(&staged, &listener, 5) == NULL);
	ATF_CHECK(commit(2) != NULL);
}

CASE(nothing_is_taken_outside_of_a_config)
{
	(void)tc;
	set_up();
	ATF_CHECK(commit(2) != NULL);
	ATF_CHECK(stage_allow(&staged, &prefix, 1) != NULL);
	ATF_CHECK(stage_socket(&staged, &listener, 5) != NULL);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, a_whole_config_is_taken);
	ATF_TP_ADD_TC(tp,
	    a_list_of_prefixes_is_one_there_is_clean_and_as_long_as_announced);
	ATF_TP_ADD_TC(tp, a_config_s_prefixes_are_taken_in_order);
	ATF_TP_ADD_TC(tp, domains_are_folded_and_as_many_as_announced);
	ATF_TP_ADD_TC(tp, each_field_out_of_bounds_is_refused);
	ATF_TP_ADD_TC(
	    tp, how_long_is_counted_has_its_bound_without_blocks_as_well);
	ATF_TP_ADD_TC(tp, each_limit_out_of_bounds_is_refused);
	ATF_TP_ADD_TC(
	    tp, limits_come_once_within_a_config_and_never_not_at_all);
	ATF_TP_ADD_TC(
	    tp, a_prefix_with_anything_that_does_not_count_is_refused);
	ATF_TP_ADD_TC(tp, a_socket_that_is_none_is_refused);
	ATF_TP_ADD_TC(tp, counts_must_agree_with_what_was_announced);
	ATF_TP_ADD_TC(tp, nothing_is_taken_outside_of_a_config);
	return atf_no_error();
}
