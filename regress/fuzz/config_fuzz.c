/*
 * Any bytes as a config file. What parses must print, and what was printed
 * must parse to the same bytes and print as before.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "parent/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
static struct conf *read_bytes(const void *, size_t);
static bool same_bytes(const void *, const void *);
static void no_log(int, const char *);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct conf *conf, *again;
	char *first = NULL, *second = NULL;
	size_t nfirst, nsecond;
	FILE *out;

	log_set_sink(no_log);
	conf = read_bytes(data, len);
	if (conf == NULL)
		return 0;
	if ((out = open_memstream(&first, &nfirst)) == NULL)
		abort();
	config_print(conf, out);
	if (fclose(out) == EOF)
		abort();
	again = read_bytes(first, nfirst);
	if (again == NULL || !same_bytes(conf, again))
		abort();
	if ((out = open_memstream(&second, &nsecond)) == NULL)
		abort();
	config_print(again, out);
	if (fclose(out) == EOF || nfirst != nsecond ||
	    memcmp(first, second, nfirst) != 0)
		abort();
	free(first);
	free(second);
	free(conf);
	free(again);
	return 0;
}

/* The grammar wants a file, and one that only we may write. */
static struct conf *
read_bytes(const void *data, size_t len)
{
	static char given[] = "given=192.0.2.1";
	char *const macros[] = { given };
	struct conf *conf;
	char path[64];
	int fd;

	fd = memfd_create("config", MFD_CLOEXEC);
	if (fd == -1 || fchmod(fd, 0600) == -1 ||
	    write(fd, data, len) != (ssize_t)len)
		abort();
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	conf = config_read(path, macros, 1);
	(void)close(fd);
	return conf;
}

/* Of two configs: none is left to chance, padding included. */
static bool
same_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct conf)) == 0;
}

static void
no_log(int priority, const char *line)
{
	(void)priority;
	if (strlen(line) >= LOG_LINE_MAX || strchr(line, '\n') != NULL)
		abort();
}
