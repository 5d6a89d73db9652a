/* Pins as text, and a config as plain data: what leaves no trace behind. */
#include <sys/stat.h>
#include <atf-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dotproxy/log.h"
#include "parent/config.h"

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ATF_REQUIRE(f != NULL);
	ATF_REQUIRE(fputs(text, f) != EOF);
	ATF_REQUIRE(fchmod(fileno(f), 0600) == 0);
	ATF_REQUIRE(fclose(f) == 0);
}

/* Of two configs: none is left to chance, padding included. */
static bool
same_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct conf)) == 0;
}

ATF_TC_WITHOUT_HEAD(every_byte_of_a_pin_comes_back_from_its_text);
ATF_TC_BODY(every_byte_of_a_pin_comes_back_from_its_text, tc)
{
	uint8_t pin[CONF_PIN_LEN], back[CONF_PIN_LEN];
	char text[CONFIG_PIN_TEXT];
	size_t i;
	int value;

	for (value = 0; value < 256; value++)
		for (i = 0; i < sizeof(pin); i++) {
			memset(pin, value ^ 0x5a, sizeof(pin));
			pin[i] = (uint8_t)value;
			ATF_REQUIRE(config_pin_text(pin, text) == text);
			ATF_REQUIRE(strlen(text) == sizeof(text) - 1);
			ATF_REQUIRE(config_pin_parse(back, text));
			ATF_REQUIRE(memcmp(pin, back, sizeof(pin)) == 0);
		}
}

ATF_TC_WITHOUT_HEAD(the_text_of_a_pin_is_what_other_programs_make);
ATF_TC_BODY(the_text_of_a_pin_is_what_other_programs_make, tc)
{
	char text[CONFIG_PIN_TEXT];
	uint8_t pin[CONF_PIN_LEN];
	uint8_t i;

	for (i = 0; i < sizeof(pin); i++)
		pin[i] = i;
	/* printf of 00 to 1f through base64(1). */
	ATF_REQUIRE_STREQ("sha256/AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
	    config_pin_text(pin, text));
}

ATF_TC_WITHOUT_HEAD(a_changed_byte_of_a_pins_text_is_refused_or_another_pin);
ATF_TC_BODY(a_changed_byte_of_a_pins_text_is_refused_or_another_pin, tc)
{
	uint8_t zero[CONF_PIN_LEN] = { 0 }, back[CONF_PIN_LEN];
	char text[CONFIG_PIN_TEXT], good[CONFIG_PIN_TEXT];
	size_t i;
	int c;

	(void)config_pin_text(zero, good);
	for (i = 0; i < sizeof(good) - 1; i++)
		for (c = 0; c < 256; c++) {
			memcpy(text, good, sizeof(text));
			text[i] = (char)c;
			if (text[i] == good[i] || !config_pin_parse(back, text))
				continue;
			ATF_CHECK(memcmp(back, zero, sizeof(zero)) != 0);
			ATF_CHECK(i >= strlen("sha256/"));
		}
}

ATF_TC_WITHOUT_HEAD(an_empty_file_is_the_default_config_byte_for_byte);
ATF_TC_BODY(an_empty_file_is_the_default_config_byte_for_byte, tc)
{
	struct conf *want = malloc(sizeof(*want)), *got;

	ATF_REQUIRE(want != NULL);
	config_default(want);
	write_file("empty.conf", "");
	got = config_read("empty.conf", NULL, 0);
	ATF_REQUIRE(got != NULL);
	ATF_REQUIRE(same_bytes(want, got));
	free(got);
	free(want);
}

ATF_TC_WITHOUT_HEAD(nothing_of_one_file_is_left_for_the_next);
ATF_TC_BODY(nothing_of_one_file_is_left_for_the_next, tc)
{
	struct conf *want, *got;

	write_file("bad.conf",
	    "m = 1\nworkers 9\nupstream a {\nforward to {\nlisten on \"");
	write_file("good.conf",
	    "m = 2\nworkers $m\nupstream \"cloudflare\" { name a.example }\n");
	write_file("cut.conf", "upstream \"cloudflare\" { address ::1 }\n");
	want = config_read("good.conf", NULL, 0);
	ATF_REQUIRE(want != NULL);
	ATF_REQUIRE(config_read("bad.conf", NULL, 0) == NULL);
	got = config_read("cut.conf", NULL, 0);
	ATF_REQUIRE(got != NULL);
	free(got);
	got = config_read("good.conf", NULL, 0);
	ATF_REQUIRE(got != NULL);
	ATF_REQUIRE(same_bytes(want, got));
	free(got);
	free(want);
}

ATF_TC_WITHOUT_HEAD(an_upstream_that_is_not_built_in_is_not_known);
ATF_TC_BODY(an_upstream_that_is_not_built_in_is_not_known, tc)
{
	const struct conf_upstream *up = config_builtin("cloudflare");

	ATF_REQUIRE(up != NULL && up->builtin);
	ATF_CHECK_EQ(4, up->naddress);
	ATF_CHECK_EQ(5, up->npin);
	ATF_CHECK(config_builtin("cloudflare") == up);
	ATF_CHECK(config_builtin("Cloudflare") == NULL);
	ATF_CHECK(config_builtin("") == NULL);
}

ATF_TP_ADD_TCS(tp)
{
	log_init("pin_test", false);
	ATF_TP_ADD_TC(tp, every_byte_of_a_pin_comes_back_from_its_text);
	ATF_TP_ADD_TC(tp, the_text_of_a_pin_is_what_other_programs_make);
	ATF_TP_ADD_TC(
	    tp, a_changed_byte_of_a_pins_text_is_refused_or_another_pin);
	ATF_TP_ADD_TC(tp, an_empty_file_is_the_default_config_byte_for_byte);
	ATF_TP_ADD_TC(tp, nothing_of_one_file_is_left_for_the_next);
	ATF_TP_ADD_TC(tp, an_upstream_that_is_not_built_in_is_not_known);
	return atf_no_error();
}
