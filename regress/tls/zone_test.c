/*
 * Which zone a name is in.
 */
#include <atf-c.h>
#include <string.h>

#include "unpriv/tls/zone.h"

static struct conf_zone zones[CONF_ZONES_MAX];
static uint32_t nzone;

static size_t
wire(uint8_t *to, const char *name)
{
	size_t n = 0, label;

	for (; *name != '\0'; name += label + 1) {
		label = strcspn(name, ".");
		to[n++] = (uint8_t)label;
		memcpy(&to[n], name, label);
		n += label;
	}
	to[n++] = 0;
	return n;
}

static void
add(const char *name)
{
	struct conf_zone *z = &zones[nzone++];

	z->name_len = (uint8_t)wire(z->name, name);
}

static uint32_t
find(const char *name)
{
	uint8_t to[256];
	size_t len = wire(to, name);

	return zone_find(zones, nzone, to, len);
}

ATF_TC_WITHOUT_HEAD(what_is_in_no_zone_is_in_the_root);
ATF_TC_BODY(what_is_in_no_zone_is_in_the_root, tc)
{
	add("");
	ATF_CHECK_EQ(0, find("www.example."));
	ATF_CHECK_EQ(0, find(""));
	add("corp.example.");
	ATF_CHECK_EQ(0, find("www.example."));
	ATF_CHECK_EQ(0, find("example."));
	ATF_CHECK_EQ(0, find(""));
}

ATF_TC_WITHOUT_HEAD(a_zone_has_its_own_name_and_all_below_it);
ATF_TC_BODY(a_zone_has_its_own_name_and_all_below_it, tc)
{
	add("");
	add("corp.example.");
	ATF_CHECK_EQ(1, find("corp.example."));
	ATF_CHECK_EQ(1, find("www.corp.example."));
	ATF_CHECK_EQ(1, find("a.b.c.corp.example."));
}

ATF_TC_WITHOUT_HEAD(a_name_that_only_ends_like_a_zone_is_not_in_it);
ATF_TC_BODY(a_name_that_only_ends_like_a_zone_is_not_in_it, tc)
{
	/* A label of 4 whose last byte and what follows look like the zone's
	 * name on the wire. */
	const uint8_t sly[] = { 13, 'x', 'x', 'x', 'x', 'x', 'x', 'x', 4, 'c',
		'o', 'r', 'p', '.', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0 };
	const uint8_t inside[] = { 8, 'x', 'x', 'x', 4, 'c', 'o', 'r', 'p', 7,
		'e', 'x', 'a', 'm', 'p', 'l', 'e', 0 };

	add("");
	add("corp.example.");
	ATF_CHECK_EQ(0, find("notcorp.example."));
	ATF_CHECK_EQ(0, find("corp.example.com."));
	ATF_CHECK_EQ(0, find("corp."));
	ATF_CHECK_EQ(0, zone_find(zones, nzone, sly, sizeof(sly)));
	/* The bytes of the zone's name, begun within a label. */
	ATF_CHECK_EQ(0, zone_find(zones, nzone, inside, sizeof(inside)));
}

ATF_TC_WITHOUT_HEAD(the_longest_match_wins_in_any_order);
ATF_TC_BODY(the_longest_match_wins_in_any_order, tc)
{
	add("");
	add("lab.corp.example.");
	add("example.");
	add("corp.example.");
	ATF_CHECK_EQ(1, find("x.lab.corp.example."));
	ATF_CHECK_EQ(3, find("x.corp.example."));
	ATF_CHECK_EQ(3, find("notlab.corp.example."));
	ATF_CHECK_EQ(2, find("x.example."));
	ATF_CHECK_EQ(0, find("x.invalid."));
}

ATF_TC_WITHOUT_HEAD(the_longest_names_and_the_most_zones_are_found);
ATF_TC_BODY(the_longest_names_and_the_most_zones_are_found, tc)
{
	char name[256] = "";
	uint32_t i;

	add("");
	for (i = 0; i < CONF_ZONES_MAX - 1; i++) {
		/* 126 labels of one letter make 253 bytes and the root. */
		name[2 * i] = (char)('a' + i % 26);
		name[2 * i + 1] = '.';
		add(name);
	}
	ATF_REQUIRE_EQ(CONF_ZONES_MAX, nzone);
	ATF_CHECK_EQ(CONF_ZONES_MAX - 1, find(name));
	memmove(&name[2], name, 2 * (CONF_ZONES_MAX - 1));
	ATF_CHECK_EQ(CONF_ZONES_MAX - 1, find(name));
}

ATF_TP_ADD_TCS(tp)
{
	ATF_TP_ADD_TC(tp, what_is_in_no_zone_is_in_the_root);
	ATF_TP_ADD_TC(tp, a_zone_has_its_own_name_and_all_below_it);
	ATF_TP_ADD_TC(tp, a_name_that_only_ends_like_a_zone_is_not_in_it);
	ATF_TP_ADD_TC(tp, the_longest_match_wins_in_any_order);
	ATF_TP_ADD_TC(tp, the_longest_names_and_the_most_zones_are_found);
	return atf_no_error();
}
