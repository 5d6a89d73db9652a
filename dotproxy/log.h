/*
 * The one log of every program. A message is a line; where it goes (standard
 * error, syslog, or over a channel to the parent) is the program's choice.
 */
#ifndef DOTPROXY_LOG_H
#define DOTPROXY_LOG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* The longest line, with its NUL; what is longer is cut. */
#define LOG_LINE_MAX 1024

/*
 * Takes one finished line: no newline, no control character, NUL-terminated.
 * The priority is one of syslog(3)'s LOG_ERR .. LOG_DEBUG.
 */
typedef void log_sink(int priority, const char *line);

/* Name of the program, put before each line on standard error. */
void log_init(const char *name, bool verbose);
void log_set_verbose(bool verbose);
bool log_is_verbose(void);

/* Where lines go from now on; the default is log_to_stderr. */
void log_set_sink(log_sink *sink);
void log_to_stderr(int priority, const char *line);
void log_to_syslog(int priority, const char *line);

/* LOG_ERR; log_warn adds ": " and strerror(errno). errno is kept. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warnx(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Dropped unless verbose. */
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* As log_warn and log_warnx, and then the process exits with 1. */
void
fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void
fatalx(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/*
 * Hands a line of another process to the sink, every byte of it that is not
 * printable ASCII replaced by '?'. text need not be NUL-terminated.
 */
void log_foreign(int priority, const char *name, const char *text, size_t len);

#endif
