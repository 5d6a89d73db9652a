/* Local data: what the parent sends, field by field, and what is found. */
#include <atf-c.h>
#include <string.h>

#include "unpriv/worker/local.h"
#include "unpriv/worker/settings.h"

#define CASE(name)                                                             \
	ATF_TC_WITHOUT_HEAD(name);                                             \
	ATF_TC_BODY(name, tc)
#define NAME(text) (const uint8_t *)(text), sizeof(text)

static uint8_t bytes[65536];
static struct conf_local head;
static struct local *table;
static struct local_answer answer;

static void
add(uint16_t type, uint32_t ttl, const uint8_t *name, size_t name_len,
    const void *rdata, size_t rdata_len)
{
	struct conf_record r = { type, (uint8_t)name_len, (uint8_t)rdata_len,
		ttl };

	memcpy(bytes + head.size, &r, sizeof(r));
	memcpy(bytes + head.size + sizeof(r), name, name_len);
	memcpy(bytes + head.size + sizeof(r) + name_len, rdata, rdata_len);
	head.size += (uint32_t)(sizeof(r) + name_len + rdata_len);
	head.records++;
}

static void
set_up(void)
{
	memset(&head, 0, sizeof(head));
	add(DNS_TYPE_A, 300, NAME("\3nas\4home"), "\300\0\2\1", 4);
	add(DNS_TYPE_A, 300, NAME("\3nas\4home"), "\300\0\2\2", 4);
	add(DNS_TYPE_TXT, 600, NAME("\3nas\4home"), "\2hi", 3);
	add(DNS_TYPE_PTR, 300, NAME("\0011\4home"), "\3nas\4home", 10);
}

static const char *
build(void)
{
	local_free(table);
	return local_build(&table, &head, bytes);
}

static bool
find(const uint8_t *name, size_t len, uint16_t type)
{
	struct dns_question q = { .type = type, .class = DNS_CLASS_IN };

	memcpy(q.name, name, len);
	q.name_len = (uint8_t)len;
	return local_find(table, &q, &answer);
}

CASE(what_a_name_has_is_found_in_the_configs_order)
{
	(void)tc;
	set_up();
	ATF_REQUIRE(build() == NULL);
	ATF_REQUIRE(find(NAME("\3nas\4home"), DNS_TYPE_A));
	ATF_CHECK_EQ(DNS_NOERROR, answer.local.rcode);
	ATF_CHECK_EQ(2, answer.local.nanswer);
	ATF_CHECK_EQ(0, answer.local.nauthority);
	ATF_CHECK_EQ(1, answer.record[0].rdata[3]);
	ATF_CHECK_EQ(2, answer.record[1].rdata[3]);
	ATF_CHECK_EQ(300, answer.record[0].ttl);
	ATF_REQUIRE(find(NAME("\3nas\4home"), DNS_TYPE_TXT));
	ATF_CHECK_EQ(1, answer.local.nanswer);
	ATF_CHECK_EQ(600, answer.record[0].ttl);
	ATF_REQUIRE(find(NAME("\0011\4home"), DNS_TYPE_PTR));
	ATF_CHECK_EQ(10, answer.record[0].rdata_len);
}

CASE(a_type_it_does_not_have_is_nodata_and_any_is_one_that_it_has)
{
	(void)tc;
	set_up();
	ATF_REQUIRE(build() == NULL);
	ATF_REQUIRE(find(NAME("\3nas\4home"), DNS_TYPE_AAAA));
	ATF_CHECK_EQ(DNS_NOERROR, answer.local.rcode);
	ATF_CHECK_EQ(0, answer.local.nanswer);
	ATF_CHECK_EQ(1, answer.local.nauthority);
	ATF_CHECK_EQ(DNS_TYPE_SOA, answer.record[0].type);
	ATF_REQUIRE(find(NAME("\3nas\4home"), DNS_TYPE_ANY));
	ATF_CHECK_EQ(2, answer.local.nanswer);
	ATF_CHECK_EQ(DNS_TYPE_A, answer.record[1].type);
}

CASE(names_above_and_below_it_and_other_classes_are_not_affected)
{
	struct dns_question q = { .name = "\3nas\4home",
		.name_len = 10,
		.type = DNS_TYPE_A,
		.class = 3 };

	(void)tc;
	set_up();
	ATF_REQUIRE(build() == NULL);
	ATF_CHECK(!find(NAME("\1a\3nas\4home"), DNS_TYPE_A));
	ATF_CHECK(!find(NAME("\4home"), DNS_TYPE_A));
	ATF_CHECK(!find(NAME("\3nas"), DNS_TYPE_A));
	ATF_CHECK(!local_find(table, &q, &answer));
	head.records = head.size = 0;
	ATF_REQUIRE(build() == NULL);
	ATF_CHECK(table == NULL);
	ATF_CHECK(!find(NAME("\3nas\4home"), DNS_TYPE_A));
}

CASE(what_is_said_twice_is_told_once_and_never_more_than_fit)
{
	uint8_t address[4] = { 10, 0, 0, 0 };
	unsigned int i;

	(void)tc;
	memset(&head, 0, sizeof(head));
	for (i = 0; i < 200; i++) {
		address[3] = (uint8_t)(i % 3);
		add(DNS_TYPE_A, 300, NAME("\1a"), address, 4);
	}
	ATF_REQUIRE(build() == NULL);
	ATF_REQUIRE(find(NAME("\1a"), DNS_TYPE_A));
	ATF_CHECK_EQ(3, answer.local.nanswer);
	for (i = 0; i < 200; i++) {
		address[3] = (uint8_t)i;
		add(DNS_TYPE_A, 300, NAME("\1a"), address, 4);
	}
	ATF_REQUIRE(build() == NULL);
	ATF_REQUIRE(find(NAME("\1a"), DNS_TYPE_A));
	ATF_CHECK_EQ(LOCAL_ANSWER_MAX, answer.local.nanswer);
}

CASE(thousands_of_names_are_each_found)
{
	uint8_t name[8] = { 6, '0', '0', '0', '0', '0', '0', 0 };
	unsigned int i, n, d;

	(void)tc;
	memset(&head, 0, sizeof(head));
	for (i = 0; i < 2000; i++) {
		for (n = i, d = 6; d > 0; d--, n /= 10)
			name[d] = (uint8_t)('0' + n % 10);
		add(DNS_TYPE_A, 300, name, sizeof(name), &i, 4);
	}
	ATF_REQUIRE(build() == NULL);
	for (i = 0; i < 2000; i++) {
		for (n = i, d = 6; d > 0; d--, n /= 10)
			name[d] = (uint8_t)('0' + n % 10);
		ATF_REQUIRE(find(name, sizeof(name), DNS_TYPE_A));
		ATF_CHECK_EQ(1, answer.local.nanswer);
		ATF_CHECK_EQ(0, memcmp(answer.record[0].rdata, &i, 4));
	}
}

CASE(each_field_that_is_wrong_is_refused)
{
	static const struct {
		uint16_t type;
		uint32_t ttl;
		const char *name;
		size_t name_len;
		const char *rdata;
		size_t rdata_len;
	} cases[] = {
		{ DNS_TYPE_A, 300, "", 0, "1234", 4 },
		{ DNS_TYPE_A, 300, "\1a", 2, "1234", 4 },
		{ DNS_TYPE_A, 300, "\2a", 3, "1234", 4 },
		{ DNS_TYPE_A, 300, "\1A", 3, "1234", 4 },
		{ DNS_TYPE_A, 300, "\1a\0", 4, "1234", 4 },
		{ DNS_TYPE_A, 300, "\1a\300\14", 4, "1234", 4 },
		{ DNS_TYPE_A, 604801, "\1a", 3, "1234", 4 },
		{ DNS_TYPE_A, 300, "\1a", 3, "123", 3 },
		{ DNS_TYPE_A, 300, "\1a", 3, "12345", 5 },
		{ DNS_TYPE_AAAA, 300, "\1a", 3, "1234", 4 },
		{ DNS_TYPE_TXT, 300, "\1a", 3, "", 0 },
		{ DNS_TYPE_TXT, 300, "\1a", 3, "\3ab", 3 },
		{ DNS_TYPE_TXT, 300, "\1a", 3, "\1ab", 3 },
		{ DNS_TYPE_PTR, 300, "\1a", 3, "\300\14", 2 },
		{ DNS_TYPE_PTR, 300, "\1a", 3, "\1b", 2 },
		{ DNS_TYPE_PTR, 300, "\1a", 3, "", 0 },
		{ DNS_TYPE_CNAME, 300, "\1a", 3, "\300\14", 2 },
		{ DNS_TYPE_CNAME, 300, "\1a", 3, "\1B", 3 },
		{ DNS_TYPE_NS, 300, "\1a", 3, "\1b", 3 },
		{ 0, 300, "\1a", 3, "", 0 },
	};
	size_t i;

	(void)tc;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_up();
		add(cases[i].type, cases[i].ttl, (const uint8_t *)cases[i].name,
		    cases[i].name_len, cases[i].rdata, cases[i].rdata_len);
		ATF_CHECK_MSG(build() != NULL, "case %zu", i);
		ATF_CHECK(table == NULL);
	}
}

CASE(a_count_or_size_that_does_not_agree_is_refused)
{
	uint32_t size;

	(void)tc;
	set_up();
	size = head.size;
	for (head.size = 0; head.size < size; head.size++)
		ATF_CHECK(build() != NULL);
	head.size = size + 1;
	ATF_CHECK(build() != NULL);
	head.size = size;
	head.records++;
	ATF_CHECK(build() != NULL);
	head.records -= 2;
	ATF_CHECK(build() != NULL);
	head.records = 0;
	ATF_CHECK(build() != NULL);
	head.records = LOCAL_RECORDS_MAX + 1;
	ATF_CHECK(build() != NULL);
	head.records = 4;
	ATF_CHECK(build() == NULL);
}

CASE(a_cname_is_followed_as_long_as_its_target_is_here)
{
	(void)tc;
	set_up();
	add(DNS_TYPE_CNAME, 60, NAME("\1w\4home"), NAME("\1x\4home"));
	add(DNS_TYPE_CNAME, 70, NAME("\1x\4home"), NAME("\3nas\4home"));
	add(DNS_TYPE_CNAME, 80, NAME("\1y\4home"), NAME("\4else\4home"));
	ATF_REQUIRE(build() == NULL);
	ATF_REQUIRE(find(NAME("\1w\4home"), DNS_TYPE_A));
	ATF_CHECK_EQ(4, answer.local.nanswer);
	ATF_CHECK_EQ(0, answer.local.nauthority);
	ATF_CHECK_EQ(DNS_TYPE_CNAME, answer.record[0].type);
	ATF_CHECK(answer.record[0].owner == NULL);
	ATF_CHECK_EQ(60, answer.record[0].ttl);
	ATF_CHECK_EQ(DNS_TYPE_CNAME, answer.record[1].type);
	ATF_REQUIRE_EQ(8, answer.record[1].owner_len);
	ATF_CHECK(memcmp("\1x\4home", answer.record[1].owner, 8) == 0);
	ATF_CHECK_EQ(DNS_TYPE_A, answer.record[3].type);
	ATF_REQUIRE_EQ(10, answer.record[3].owner_len);
	ATF_CHECK(memcmp("\3nas\4home", answer.record[3].owner, 10) == 0);
	/* The target is here, and has no such record. */
	ATF_REQUIRE(find(NAME("\1x\4home"), DNS_TYPE_AAAA));
	ATF_CHECK_EQ(1, answer.local.nanswer);
	ATF_REQUIRE_EQ(1, answer.local.nauthority);
	ATF_CHECK_EQ(DNS_TYPE_SOA, answer.record[1].type);
	ATF_CHECK_EQ(10, answer.record[1].owner_len);
	/* It is not here. */
	ATF_REQUIRE(find(NAME("\1y\4home"), DNS_TYPE_A));
	ATF_CHECK_EQ(1, answer.local.nanswer);
	ATF_CHECK_EQ(0, answer.local.nauthority);
	/* The CNAME is what was asked for. */
	ATF_REQUIRE(find(NAME("\1w\4home"), DNS_TYPE_CNAME));
	ATF_CHECK_EQ(1, answer.local.nanswer);
	ATF_REQUIRE(find(NAME("\1w\4home"), DNS_TYPE_ANY));
	ATF_CHECK_EQ(1, answer.local.nanswer);
	ATF_CHECK_EQ(0, answer.local.nauthority);
}

CASE(cnames_that_lead_in_a_circle_or_too_far_end)
{
	uint8_t name[] = "\1a\4home", next[] = "\1b\4home";
	unsigned int i;

	(void)tc;
	set_up();
	add(DNS_TYPE_CNAME, 60, NAME("\1x\4home"), NAME("\1y\4home"));
	add(DNS_TYPE_CNAME, 60, NAME("\1y\4home"), NAME("\1x\4home"));
	add(DNS_TYPE_CNAME, 60, NAME("\1z\4home"), NAME("\1z\4home"));
	for (i = 0; i < 10; i++, name[1]++, next[1]++)
		add(DNS_TYPE_CNAME, 60, NAME(name), NAME(next));
	ATF_REQUIRE(build() == NULL);
	ATF_REQUIRE(find(NAME("\1x\4home"), DNS_TYPE_A));
	ATF_CHECK_EQ(2, answer.local.nanswer);
	ATF_REQUIRE(find(NAME("\1z\4home"), DNS_TYPE_A));
	ATF_CHECK_EQ(1, answer.local.nanswer);
	ATF_REQUIRE(find(NAME("\1a\4home"), DNS_TYPE_A));
	ATF_CHECK_EQ(LOCAL_CNAMES_MAX, answer.local.nanswer);
}

CASE(a_cname_beats_what_a_hosts_file_has)
{
	(void)tc;
	set_up();
	add(DNS_TYPE_A, 300, NAME("\1w\4home"), "\300\0\2\3", 4);
	add(DNS_TYPE_CNAME, 300, NAME("\1w\4home"), NAME("\3nas\4home"));
	add(DNS_TYPE_A, 300, NAME("\1w\4home"), "\300\0\2\4", 4);
	ATF_REQUIRE(build() == NULL);
	ATF_REQUIRE(find(NAME("\1w\4home"), DNS_TYPE_A));
	ATF_CHECK_EQ(3, answer.local.nanswer);
	ATF_CHECK_EQ(DNS_TYPE_CNAME, answer.record[0].type);
	ATF_CHECK_EQ(1, answer.record[1].rdata[3]);
}

CASE(records_of_one_name_and_type_have_the_lowest_ttl)
{
	(void)tc;
	set_up();
	add(DNS_TYPE_A, 60, NAME("\3nas\4home"), "\300\0\2\3", 4);
	add(DNS_TYPE_A, 90, NAME("\3nas\4home"), "\300\0\2\4", 4);
	ATF_REQUIRE(build() == NULL);
	ATF_REQUIRE(find(NAME("\3nas\4home"), DNS_TYPE_A));
	ATF_REQUIRE_EQ(4, answer.local.nanswer);
	ATF_CHECK_EQ(60, answer.record[0].ttl);
	ATF_CHECK_EQ(60, answer.record[1].ttl);
	ATF_CHECK_EQ(60, answer.record[2].ttl);
	ATF_CHECK_EQ(60, answer.record[3].ttl);
}

CASE(it_is_staged_once_and_only_within_a_config)
{
	static struct staged staged;

	(void)tc;
	set_up();
	ATF_REQUIRE(build() == NULL);
	ATF_CHECK(stage_local(&staged, table) != NULL);
	staged.open = true;
	table = NULL;
	ATF_REQUIRE(build() == NULL);
	ATF_CHECK(stage_local(&staged, table) == NULL);
	ATF_CHECK(staged.settings.local == table);
	table = NULL;
	ATF_REQUIRE(build() == NULL);
	ATF_CHECK(stage_local(&staged, table) != NULL);
	local_free(staged.settings.local);
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, what_a_name_has_is_found_in_the_configs_order);
	ATF_TP_ADD_TC(
	    tp, a_type_it_does_not_have_is_nodata_and_any_is_one_that_it_has);
	ATF_TP_ADD_TC(
	    tp, names_above_and_below_it_and_other_classes_are_not_affected);
	ATF_TP_ADD_TC(
	    tp, what_is_said_twice_is_told_once_and_never_more_than_fit);
	ATF_TP_ADD_TC(tp, thousands_of_names_are_each_found);
	ATF_TP_ADD_TC(tp, each_field_that_is_wrong_is_refused);
	ATF_TP_ADD_TC(tp, a_count_or_size_that_does_not_agree_is_refused);
	ATF_TP_ADD_TC(tp, a_cname_is_followed_as_long_as_its_target_is_here);
	ATF_TP_ADD_TC(tp, cnames_that_lead_in_a_circle_or_too_far_end);
	ATF_TP_ADD_TC(tp, a_cname_beats_what_a_hosts_file_has);
	ATF_TP_ADD_TC(tp, records_of_one_name_and_type_have_the_lowest_ttl);
	ATF_TP_ADD_TC(tp, it_is_staged_once_and_only_within_a_config);
	return atf_no_error();
}
