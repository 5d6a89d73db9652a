/* The config file: read by the grammar (parse.y), printed back (print.c). */
#ifndef PARENT_CONFIG_H
#define PARENT_CONFIG_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "dotproxy/conf.h"

/* What a letter behind a number multiplies it by: the smallest first, the end
 * is a letter of 0. */
struct config_scale {
	char letter;
	uint32_t by;
};
extern const struct config_scale config_sizes[], config_times[];

/* The words of enum conf_policy. */
extern const char *const config_policies[CONF_POLICIES];

/* The config when no file says otherwise: listen on 127.0.0.1 and ::1, allow
 * loopback and private networks, forward to "cloudflare". */
void config_default(struct conf *conf);

/*
 * Reads a whole config file, or none (NULL), over the defaults. macros are
 * "name=value" from -D, which beat the file's own. NULL if anything is wrong:
 * every error was logged as "file:line: ... near "word": what was expected"
 * then. The result is the caller's to free(3).
 */
struct conf *config_read(const char *path, char *const *macros, size_t nmacros);

/*
 * config_read of the file that -f names; without -f (NULL) of the usual one,
 * and if that is not there the defaults.
 */
struct conf *config_load(const char *path, char *const *macros, size_t nmacros);

/*
 * Whether a running dotproxy may take over next in the place of now; if not,
 * the log says which settings need a restart. tcp_most: the most connections
 * that its workers have room for.
 */
bool config_may_become(
    const struct conf *now, const struct conf *next, uint32_t tcp_most);

/* Whether a question that now answers may be answered otherwise under next: by
 * other zones, by other upstreams, in another order, or otherwise verified. */
bool config_asks_elsewhere(const struct conf *now, const struct conf *next);

/* How many there are to be: as many as it says, or one for each CPU. */
uint32_t config_workers(const struct conf *conf);

/* Whether what it names can be read, too: prints it, or that it is well. The
 * exit status of -n. */
int config_check(const struct conf *conf, bool print);

/* Prints it in the language itself: what comes out parses to the same. */
void config_print(const struct conf *conf, FILE *out);

/*
 * Whether nobody but root, or who runs us, may change an open file. If somebody
 * may, that is logged, after what ("hosts ") and its path.
 */
bool
config_may_trust(const char *what, const char *path, const struct stat *st);

/* Upstreams known by name (UPSTREAMS.md); NULL if there is none such. */
const struct conf_upstream *config_builtin(const char *name);

/*
 * The CA bundles of the upstreams that conf forwards to, by their index, each
 * in a sealed memfd; the rest of ca is -1. A path "" is the system's. 0; or -1,
 * logged, with nothing opened, when one cannot be read, is empty or too large.
 */
int config_ca_open(int ca[CONF_UPSTREAMS_MAX], const struct conf *conf);
void config_ca_close(int ca[CONF_UPSTREAMS_MAX]);

/*
 * Adds a record of local data; NULL, or what is wrong with it (then nothing is
 * added). config_local_print prints them all.
 */
const char *config_local_add(struct conf *conf, const char *name, uint32_t ttl,
    const char *type, const char *value);
void config_local_print(const struct conf *conf, FILE *out);

/*
 * The config's local data and the hosts file's, in a sealed memfd, which it
 * returns; -1, logged, when the file cannot be read or has too much. A bad
 * line of it is logged and left out.
 */
int config_local_open(struct conf_local *local, const struct conf *conf);

/* What a config has besides its text: the CA bundles and the local data. As
 * config_ca_open. */
struct config_files {
	int ca[CONF_UPSTREAMS_MAX];
	int local_fd; /* -1: not open */
	struct conf_local local;
};
int config_files_open(struct config_files *files, const struct conf *conf);
void config_files_close(struct config_files *files);

/*
 * A domain name as text to the wire, folded, into wire (CONF_ZONE_NAME_MAX
 * bytes); its length, or 0: it is no name, or the root. config_name_print
 * prints it in quotes.
 */
size_t config_name_parse(uint8_t *wire, const char *text);
void config_name_print(const uint8_t *wire, FILE *out);

/* "sha256/BASE64=" to 32 bytes; false when it is not such a text. */
bool config_pin_parse(uint8_t pin[CONF_PIN_LEN], const char *text);
#define CONFIG_PIN_TEXT 52 /* with NUL */
const char *
config_pin_text(const uint8_t pin[CONF_PIN_LEN], char buf[CONFIG_PIN_TEXT]);

#endif
