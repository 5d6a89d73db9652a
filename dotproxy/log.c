/*
 * The log: makes one clean line of a message and gives it to the sink.
 * It must never write more than a line, nor a byte that moves a terminal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "log.h"

static void
vlog(int, int, const char *, va_list) __attribute__((format(printf, 3, 0)));
static void clean(char *, size_t);

static const char *program = "dotproxy";
static bool verbose;
static log_sink *sink = log_to_stderr;

void
log_init(const char *name, bool v)
{
	program = name;
	verbose = v;
}

void
log_set_verbose(bool v)
{
	verbose = v;
}

bool
log_is_verbose(void)
{
	return verbose;
}

void
log_set_sink(log_sink *s)
{
	sink = s;
}

void
log_to_stderr(int priority, const char *line)
{
	(void)priority;
	/* A log that cannot be written must not stop what it tells of. */
	(void)dprintf(STDERR_FILENO, "%s: %s\n", program, line);
}

void
log_to_syslog(int priority, const char *line)
{
	syslog(priority, "%s", line);
}

void
log_warn(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_ERR, saved, fmt, ap);
	va_end(ap);
	errno = saved;
}

void
log_warnx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_ERR, 0, fmt, ap);
	va_end(ap);
}

void
log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_INFO, 0, fmt, ap);
	va_end(ap);
}

void
log_debug(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		return;
	va_start(ap, fmt);
	vlog(LOG_DEBUG, 0, fmt, ap);
	va_end(ap);
}

void
fatal(const char *fmt, ...)
{
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_CRIT, saved, fmt, ap);
	va_end(ap);
	exit(1);
}

void
fatalx(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vlog(LOG_CRIT, 0, fmt, ap);
	va_end(ap);
	exit(1);
}

void
log_foreign(int priority, const char *name, const char *text, size_t len)
{
	char line[LOG_LINE_MAX];

	if (len > sizeof(line))
		len = sizeof(line);
	(void)snprintf(line, sizeof(line), "%s: %.*s", name,
	    (int)strnlen(text, len), text);
	clean(line, strlen(line));
	sink(priority, line);
}

static void
vlog(int priority, int error, const char *fmt, va_list ap)
{
	char line[LOG_LINE_MAX];
	size_t used;
	int n;

	n = vsnprintf(line, sizeof(line), fmt, ap);
	if (n < 0)
		(void)snprintf(line, sizeof(line), "(unprintable: %s)", fmt);
	used = strlen(line);
	if (error != 0)
		(void)snprintf(
		    line + used, sizeof(line) - used, ": %s", strerror(error));
	clean(line, strlen(line));
	sink(priority, line);
}

static void
clean(char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (line[i] < ' ' || line[i] > '~')
			line[i] = '?';
}
