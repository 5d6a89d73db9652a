/*
 * A config file as a whole: what holds before the first line is read, and what
 * must agree after the last. It must never let a half-read config out.
 */
#include <stdlib.h>
#include <string.h>

#include "dotproxy/log.h"

#include "parse.h"

static bool parse(struct parser *);

struct conf *
config_read(const char *path, char *const *macros, size_t nmacros)
{
	struct parser *p;
	struct conf *conf;

	p = calloc(1, sizeof(*p));
	conf = calloc(1, sizeof(*conf));
	if (p == NULL || conf == NULL)
		fatal("config_read");
	p->path = path;
	p->conf = conf;
	p->line = 1;
	p->first = true;
	config_default(conf);
	/* The default upstream comes in again when it is forwarded to. */
	memset(conf->upstream, 0, sizeof(conf->upstream));
	memset(conf->zone, 0, sizeof(conf->zone));
	conf->nupstream = conf->nused = conf->nzone = 0;
	p->zone[0].name_len = 1;
	p->nzone = 1;
	p->to = &p->nozone;
	take_macros(p, macros, nmacros);
	if ((path != NULL && !read_file(p)) || !parse(p)) {
		free(conf);
		conf = NULL;
	}
	free(p->arena);
	free(p->text);
	free(p);
	return conf;
}

static bool
parse(struct parser *p)
{
	if (yyparse(p) != 0 && p->errors == 0)
		complain(p, p->token, "the grammar gave up");
	resolve_zones(p);
	check_tcp(p);
	check_ttls(p);
	check_guards(p);
	check_passwords(p);
	return p->errors == 0;
}
