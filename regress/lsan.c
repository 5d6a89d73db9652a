/*
 * What LeakSanitizer is told in the tests: libatf never frees its list of test
 * cases. Linked into each C test of a sanitized build, and nothing else.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_options(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:atf_tp_get\nleak:atf_list_\nleak:atf_map_\n";
}

/* Kyua takes a word on standard error for a broken test program. */
const char *
__lsan_default_options(void)
{
	return "print_suppressions=0";
}
