/*
 * The grammar of the config file, with its lexer and its checks, the way of
 * OpenBSD's daemons. It tells every error of a file, not only the first, and
 * must never let a half-read config out, nor keep anything for the next file.
 */
%{
#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dotproxy/log.h"
#include "dotproxy/special.h"
#include "config.h"

#define FILE_MAX     (1024 * 1024)
#define WORD_SIZE    1024 /* of the longest word, with its NUL */
#define MACROS_MAX   256
#define ERRORS_MAX   20
#define NEAR_MAX     64 /* of a word, in an error */
#define EXPECTED_MAX 160

/* A word as it stands in the file. */
struct word {
	const char *text;
	int line;
};

struct macro {
	const char *name; /* not NUL-terminated: name_len bytes */
	size_t name_len;
	const char *value;
	int line; /* 0: from -D */
};

/* A zone as it is being read: upstreams are known at the end only. */
struct zone {
	uint8_t name[CONF_ZONE_NAME_MAX];
	size_t name_len;
	uint32_t policy;
	struct word to[CONF_UPSTREAMS_MAX];
	uint32_t n;
};

/* Lines on which what may stand only once stood; 0 is nowhere. */
struct seen {
	int workers, user, chroot, udp_size, tcp_max, tcp_each, forward;
	int cache, ttl_min, ttl_max, ttl_negative, stale;
	int special[SPECIALS], hosts;
	int name, ca; /* of the upstream being read */
};

struct parser {
	const char *path;
	struct conf *conf;
	int errors;

	/* The file, and the lexer's place in it. */
	char *text;
	size_t len, pos;
	int line;
	int depth; /* open braces */
	int base; /* of them, those of the statement's surroundings */
	bool first; /* nothing was read on this line yet */
	bool skipping; /* to the end of a statement that has an error */
	struct word token; /* the last one, for errors */
	int kind; /* and its type */
	struct word before; /* and the one before it */
	int before_kind;
	char *arena; /* the words, each with a NUL */
	size_t used;

	const char *expected; /* NULL: the start of a statement */
	struct seen seen;
	bool own_listen, own_allow; /* the file's, not the defaults */
	struct conf_upstream *up; /* the one being read */
	struct conf_upstream discard; /* stands for one that is refused */
	struct word up_word;
	int up_errors; /* errors before it */
	bool own_address, own_pin; /* not the built-in ones */
	struct word tcp_each, ttl_min;
	struct zone zone[CONF_ZONES_MAX]; /* [0] is the root */
	struct zone nozone; /* stands for one that is refused */
	struct zone *to; /* the one being read */
	uint32_t nzone;
	struct macro macro[MACROS_MAX];
	size_t nmacro;
};

#define YYSTYPE struct word

static int yylex(struct word *, struct parser *);
static void yyerror(struct parser *, const char *);
static void expect(struct parser *, const char *);
static void complain(struct parser *, struct word, const char *, ...)
    __attribute__((format(printf, 3, 4)));
static void recover(struct parser *);
static void unknown_keyword(struct parser *, struct word);

static bool once(struct parser *, struct word, int *);
static void set_number(struct parser *, uint32_t *, struct word, uint32_t,
    uint32_t, const char *);
static void set_scaled(struct parser *, uint32_t *, struct word,
    const struct config_scale *, uint32_t, uint32_t, const char *);
static void set_cache_size(struct parser *, struct word);
static void set_ttl(struct parser *, uint32_t *, struct word);
static void set_special(struct parser *, struct word, bool);
static void
add_local(struct parser *, struct word, struct word, struct word);
static void set_hosts(struct parser *, struct word);
static void set_macro(struct parser *, struct word, struct word);
static void set_user(struct parser *, struct word);
static void set_chroot(struct parser *, struct word);
static void
add_listen(struct parser *, struct word, struct word, struct word);
static bool listens_on(const struct conf *, uint32_t,
		    const struct netaddr *, uint16_t);
static void add_allow(struct parser *, struct word);
static void begin_upstream(struct parser *, struct word);
static void end_upstream(struct parser *);
static void add_address(struct parser *, struct word, struct word);
static void set_host(struct parser *, struct word);
static void set_ca(struct parser *, struct word);
static void add_pin(struct parser *, struct word);
static void begin_default(struct parser *, struct word);
static void begin_zone(struct parser *, struct word);
static void add_target(struct parser *, struct word);
static void set_policy(struct parser *, struct word);

#define LITERAL(n)  LITERAL_(n)
#define LITERAL_(n) #n
#define UP_TO(n)    "a number from 1 to " LITERAL(n)
#define A_UDP_SIZE                                                             \
	"a number from " LITERAL(CONF_UDP_SIZE_MIN) " to " LITERAL(            \
	    CONF_UDP_SIZE_MAX)
#define A_SIZE	    "a size from 1M to 2G"
#define A_TTL	    "a time from 0 to 7d"
#define A_TIME	    "a time from 1 to 7d"
#define A_SPECIAL   "a special name such as localhost or home.arpa"
#define A_USER	    "the name of a user"
#define A_PATH	    "an absolute path"
#define AN_ADDRESS  "an IP address"
#define A_PORT	    "a port from 1 to 65535"
#define A_PREFIX    "an address or a prefix such as 192.0.2.0/24"
#define A_HOST	    "a host name or an IP address, as in the certificate"
#define A_PIN	    "sha256/ and the base64 of 32 bytes"
#define AN_UPSTREAM "the name of an upstream"
#define A_NAME	    "a domain name"
#define A_POLICY    "failover, fastest, round-robin or race"
#define END	    "the end of the line"
%}

%pure-parser
%parse-param { struct parser *p }
%lex-param { struct parser *p }

%token	WORD BAD
%token	WORKERS USER CHROOT LISTEN ALLOW UDP TCP UPSTREAM FORWARD
%token	ON PORT OR FROM SIZE CONNECTIONS EACH TO
%token	ADDRESS NAME CA PIN
%token	CACHE NO TTL MIN MAX NEGATIVE STALE
%token	SPECIAL LOCAL DATA HOSTS
%token	ZONE POLICY

%%

grammar	: /* empty */
	| grammar newline
	| grammar statement end newline
	| grammar error newline		{ yyerrok; }
	;

newline	: '\n'				{ expect(p, NULL); }
	;

end	: /* empty */			{ expect(p, END); }
	;

optnl	: /* empty */
	| optnl '\n'
	;

comma	: optnl
	| ',' optnl
	;

statement : macro
	| workers
	| user
	| chroot
	| listen
	| allow
	| udp
	| cache
	| no
	| special
	| local
	| hosts
	| tcp
	| upstream
	| forward
	;

macro	: WORD '='			{ expect(p, "a value"); }
	  WORD				{ set_macro(p, $1, $4); }
	;

workers	: WORKERS			{ expect(p, UP_TO(CONF_WORKERS_MAX)); }
	  WORD				{
		if (once(p, $1, &p->seen.workers))
			set_number(p, &p->conf->workers, $3, 1,
			    CONF_WORKERS_MAX, UP_TO(CONF_WORKERS_MAX));
	}
	;

user	: USER				{ expect(p, A_USER); }
	  WORD				{
		if (once(p, $1, &p->seen.user))
			set_user(p, $3);
	}
	;

chroot	: CHROOT			{ expect(p, A_PATH); }
	  WORD				{
		if (once(p, $1, &p->seen.chroot))
			set_chroot(p, $3);
	}
	;

listen	: LISTEN			{ expect(p, "\"on\""); }
	  ON				{ expect(p, AN_ADDRESS); }
	  WORD				{ expect(p, "\"port\" or " END); }
	  port				{ expect(p, "\"or\" or " END); }
	  or				{ add_listen(p, $5, $7, $9); }
	;

or	: /* empty */			{ $$.text = NULL; }
	| OR				{ expect(p, A_PORT); }
	  WORD				{ $$ = $3; }
	;

port	: /* empty */			{ $$.text = NULL; }
	| PORT				{ expect(p, A_PORT); }
	  WORD				{ $$ = $3; }
	;

allow	: ALLOW				{ expect(p, "\"from\""); }
	  FROM				{ expect(p, A_PREFIX " or {"); }
	  prefixes
	;

prefixes : prefix
	| '{'				{ expect(p, A_PREFIX); }
	  optnl prefix_list '}'
	;

prefix_list : prefix comma
	| prefix_list prefix comma
	;

prefix	: WORD				{
		add_allow(p, $1);
		expect(p, A_PREFIX " or }");
	}
	;

udp	: UDP				{ expect(p, "\"size\""); }
	  SIZE				{ expect(p, A_UDP_SIZE); }
	  WORD				{
		if (once(p, $1, &p->seen.udp_size))
			set_number(p, &p->conf->udp_size, $5, CONF_UDP_SIZE_MIN,
			    CONF_UDP_SIZE_MAX, A_UDP_SIZE);
	}
	;

cache	: CACHE				{
		expect(p, "\"size\", \"ttl\" or \"stale\"");
	}
	  cached
	;

cached	: SIZE				{ expect(p, A_SIZE); }
	  WORD				{
		if (once(p, $1, &p->seen.cache))
			set_cache_size(p, $3);
	}
	| TTL				{
		expect(p, "\"min\", \"max\" or \"negative\"");
	}
	  ttls
	| STALE				{ expect(p, A_TIME); }
	  WORD				{
		if (once(p, $1, &p->seen.stale))
			set_scaled(p, &p->conf->stale, $3, config_times, 1,
			    CONF_TTL_LIMIT, A_TIME);
	}
	;

ttls	: ttl
	| ttls ttl
	;

ttl	: MIN				{ expect(p, A_TTL); }
	  WORD				{
		if (once(p, $1, &p->seen.ttl_min)) {
			set_ttl(p, &p->conf->ttl_min, $3);
			p->ttl_min = $3;
		}
	}
	| MAX				{ expect(p, A_TTL); }
	  WORD				{
		if (once(p, $1, &p->seen.ttl_max))
			set_ttl(p, &p->conf->ttl_max, $3);
	}
	| NEGATIVE			{ expect(p, A_TTL); }
	  WORD				{
		if (once(p, $1, &p->seen.ttl_negative))
			set_ttl(p, &p->conf->ttl_negative, $3);
	}
	;

no	: NO				{
		expect(p, "\"cache\", \"stale\" or \"special\"");
	}
	  absent
	;

absent	: CACHE				{
		if (once(p, $1, &p->seen.cache))
			p->conf->cache_size = 0;
	}
	| STALE				{
		if (once(p, $1, &p->seen.stale))
			p->conf->stale = 0;
	}
	| SPECIAL			{ expect(p, A_SPECIAL " or {"); }
	  off
	;

off	: no_word
	| '{'				{ expect(p, A_SPECIAL); }
	  optnl off_list '}'
	;

off_list : no_word comma
	| off_list no_word comma
	;

no_word	: WORD				{
		set_special(p, $1, false);
		expect(p, A_SPECIAL " or }");
	}
	;

special	: SPECIAL			{ expect(p, A_SPECIAL " or {"); }
	  on
	;

local	: LOCAL				{ expect(p, "\"data\""); }
	  DATA				{ expect(p, A_NAME); }
	  WORD				{ expect(p, "A, AAAA, PTR or TXT"); }
	  WORD				{ expect(p, "the record's value"); }
	  WORD				{ add_local(p, $5, $7, $9); }
	;

hosts	: HOSTS				{ expect(p, A_PATH); }
	  WORD				{
		if (once(p, $1, &p->seen.hosts))
			set_hosts(p, $3);
	}
	;

on	: word
	| '{'				{ expect(p, A_SPECIAL); }
	  optnl on_list '}'
	;

on_list	: word comma
	| on_list word comma
	;

word	: WORD				{
		set_special(p, $1, true);
		expect(p, A_SPECIAL " or }");
	}
	;

tcp	: connections WORD		{
		if (once(p, $1, &p->seen.tcp_max))
			set_number(p, &p->conf->tcp_max, $2, 1, CONF_TCP_LIMIT,
			    UP_TO(CONF_TCP_LIMIT));
	}
	| connections EACH		{ expect(p, UP_TO(CONF_TCP_LIMIT)); }
	  WORD				{
		if (once(p, $2, &p->seen.tcp_each)) {
			set_number(p, &p->conf->tcp_each, $4, 1, CONF_TCP_LIMIT,
			    UP_TO(CONF_TCP_LIMIT));
			p->tcp_each = $4;
		}
	}
	;

connections : TCP			{ expect(p, "\"connections\""); }
	  CONNECTIONS			{
		expect(p, UP_TO(CONF_TCP_LIMIT) " or \"each\"");
		$$ = $3;
	}
	;

upstream : UPSTREAM			{ expect(p, AN_UPSTREAM); }
	  WORD				{ begin_upstream(p, $3); }
	  block				{ end_upstream(p); }
	;

block	: /* empty */
	| open items last close
	;

open	: '{'				{ p->base = 1; expect(p, NULL); }
	;

close	: '}'				{ p->base = 0; }
	;

items	: /* empty */
	| items newline
	| items item end newline
	| items error newline		{ yyerrok; }
	;

last	: /* empty */
	| item
	;

item	: ADDRESS			{ expect(p, AN_ADDRESS); }
	  WORD				{ expect(p, "\"port\" or " END); }
	  port				{ add_address(p, $3, $5); }
	| NAME				{ expect(p, A_HOST); }
	  WORD				{
		if (once(p, $1, &p->seen.name))
			set_host(p, $3);
	}
	| CA				{ expect(p, A_PATH); }
	  WORD				{
		if (once(p, $1, &p->seen.ca))
			set_ca(p, $3);
	}
	| PIN				{ expect(p, A_PIN); }
	  WORD				{ add_pin(p, $3); }
	;

forward	: FORWARD			{
		expect(p, "\"to\" or \"zone\"");
		$$ = $1;
	}
	  zone				{ expect(p, "\"policy\" or " END); }
	  policy
	;

zone	: TO				{
		begin_default(p, $0);
		expect(p, AN_UPSTREAM " or {");
	}
	  targets
	| ZONE				{ expect(p, A_NAME); }
	  WORD				{ begin_zone(p, $3); expect(p, "\"to\""); }
	  TO				{ expect(p, AN_UPSTREAM " or {"); }
	  targets
	;

policy	: /* empty */
	| POLICY			{ expect(p, A_POLICY); }
	  WORD				{ set_policy(p, $3); }
	;

targets	: target
	| '{'				{ expect(p, AN_UPSTREAM); }
	  optnl target_list '}'
	;

target_list : target comma
	| target_list target comma
	;

target	: WORD				{
		add_target(p, $1);
		expect(p, AN_UPSTREAM " or }");
	}
	;

%%

/* Where a keyword may open a statement. */
enum place { PLACE_FILE, PLACE_UPSTREAM, PLACE_NONE };

static const struct keyword {
	const char *name;
	int token;
	enum place place;
} keywords[] = {
	{ "workers", WORKERS, PLACE_FILE },
	{ "user", USER, PLACE_FILE },
	{ "chroot", CHROOT, PLACE_FILE },
	{ "listen", LISTEN, PLACE_FILE },
	{ "allow", ALLOW, PLACE_FILE },
	{ "udp", UDP, PLACE_FILE },
	{ "tcp", TCP, PLACE_FILE },
	{ "cache", CACHE, PLACE_FILE },
	{ "no", NO, PLACE_FILE },
	{ "special", SPECIAL, PLACE_FILE },
	{ "local", LOCAL, PLACE_FILE },
	{ "hosts", HOSTS, PLACE_FILE },
	{ "upstream", UPSTREAM, PLACE_FILE },
	{ "forward", FORWARD, PLACE_FILE },
	{ "address", ADDRESS, PLACE_UPSTREAM },
	{ "name", NAME, PLACE_UPSTREAM },
	{ "ca", CA, PLACE_UPSTREAM },
	{ "pin", PIN, PLACE_UPSTREAM },
	{ "on", ON, PLACE_NONE },
	{ "port", PORT, PLACE_NONE },
	{ "or", OR, PLACE_NONE },
	{ "from", FROM, PLACE_NONE },
	{ "size", SIZE, PLACE_NONE },
	{ "connections", CONNECTIONS, PLACE_NONE },
	{ "each", EACH, PLACE_NONE },
	{ "to", TO, PLACE_NONE },
	{ "ttl", TTL, PLACE_NONE },
	{ "min", MIN, PLACE_NONE },
	{ "max", MAX, PLACE_NONE },
	{ "negative", NEGATIVE, PLACE_NONE },
	{ "stale", STALE, PLACE_NONE },
	{ "data", DATA, PLACE_NONE },
	{ "zone", ZONE, PLACE_NONE },
	{ "policy", POLICY, PLACE_NONE },
};
#define NKEYWORDS (sizeof(keywords) / sizeof(keywords[0]))

static const char at_newline[] = "the end of the line";
static const char at_eof[] = "the end of the file";

static bool parse(struct parser *);
static bool read_file(struct parser *);
static bool is_trustworthy(const struct parser *, int);
static bool is_text(struct parser *);
static void take_macros(struct parser *, char *const *, size_t);
static void resolve_zones(struct parser *);
static void check_tcp(struct parser *);
static void check_ttls(struct parser *);

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
	if (!read_file(p) || !parse(p)) {
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
	if (!is_text(p))
		return false;
	if (yyparse(p) != 0 && p->errors == 0)
		complain(p, p->token, "the grammar gave up");
	resolve_zones(p);
	check_tcp(p);
	check_ttls(p);
	return p->errors == 0;
}

static bool
read_file(struct parser *p)
{
	FILE *file = NULL;
	bool good = false;
	int fd;

	/* O_NONBLOCK: a FIFO must not stop a reload. */
	fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1 || (file = fdopen(fd, "r")) == NULL) {
		log_warn("%s: cannot be opened", p->path);
		if (fd != -1)
			close(fd);
		return false;
	}
	p->text = malloc(FILE_MAX + 1);
	if (p->text == NULL)
		fatal("config_read");
	if (is_trustworthy(p, fd)) {
		p->len = fread(p->text, 1, FILE_MAX + 1, file);
		if (ferror(file))
			log_warn("%s: cannot be read", p->path);
		else if (p->len > FILE_MAX)
			log_warnx("%s: is larger than 1 MiB", p->path);
		else
			good = true;
	}
	(void)fclose(file);
	/* A word and its NUL take at most twice their place in the file. */
	p->arena = malloc(2 * p->len + 2);
	if (p->arena == NULL)
		fatal("config_read");
	return good;
}

/* Whoever may write the file chooses whom every answer comes from. */
static bool
is_trustworthy(const struct parser *p, int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1)
		log_warn("%s: cannot be read", p->path);
	else if (!S_ISREG(st.st_mode))
		log_warnx("%s: is not a file", p->path);
	else if (st.st_uid != 0 && st.st_uid != geteuid())
		log_warnx("%s: belongs to user %u: it must be root's or of who "
			  "runs dotproxy; fix with chown",
		    p->path, (unsigned int)st.st_uid);
	else if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		log_warnx("%s: others than its owner may write it; fix with "
			  "chmod go-w",
		    p->path);
	else
		return true;
	return false;
}

static bool
is_text(struct parser *p)
{
	const char *nul = memchr(p->text, '\0', p->len), *c;
	int line = 1;

	if (nul == NULL)
		return true;
	for (c = p->text; c < nul; c++)
		line += *c == '\n';
	log_warnx("%s:%d: has a NUL byte: this is not a config", p->path, line);
	return false;
}

/*
 * Errors.
 */

static void
expect(struct parser *p, const char *what)
{
	p->expected = what;
}

static void
complain(struct parser *p, struct word w, const char *fmt, ...)
{
	char text[512], near[NEAR_MAX + 16];
	va_list ap;

	if (++p->errors > ERRORS_MAX) {
		if (p->errors == ERRORS_MAX + 1)
			log_warnx("%s: too many errors", p->path);
		return;
	}
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (w.text == at_newline || w.text == at_eof)
		(void)snprintf(near, sizeof(near), "%s", w.text);
	else
		(void)snprintf(near, sizeof(near), "\"%.*s%s\"", NEAR_MAX,
		    w.text, strlen(w.text) > NEAR_MAX ? "..." : "");
	log_warnx("%s:%d: near %s: %s", p->path, w.line, near, text);
}

/* "one of: ..." of what may open a statement here. */
static const char *
openers(const struct parser *p, char buf[EXPECTED_MAX])
{
	enum place place = p->base == 0 ? PLACE_FILE : PLACE_UPSTREAM;
	size_t i, used = 0;

	buf[0] = '\0';
	for (i = 0; i < NKEYWORDS; i++) {
		if (keywords[i].place != place)
			continue;
		(void)snprintf(buf + used, EXPECTED_MAX - used, "%s%s",
		    used == 0 ? "one of: " : ", ", keywords[i].name);
		used = strlen(buf);
	}
	if (place == PLACE_UPSTREAM)
		(void)snprintf(buf + used, EXPECTED_MAX - used,
		    ", } (the upstream begins on line %d)", p->up_word.line);
	return buf;
}

static void
yyerror(struct parser *p, const char *msg)
{
	char buf[EXPECTED_MAX];

	if (strcmp(msg, "syntax error") != 0)
		complain(p, p->token, "%s", msg);
	else if (p->kind == BAD)
		; /* the lexer has told */
	else if (p->expected != NULL)
		complain(p, p->token, "expected %s", p->expected);
	else if (p->before_kind == WORD)
		/* Only an '=' would have made a macro of it. */
		unknown_keyword(p, p->before);
	else if (p->kind == WORD)
		unknown_keyword(p, p->token);
	else
		complain(p, p->token, "expected %s", openers(p, buf));
	recover(p);
}

/* Skips to the end of the statement that has the error, over its braces. */
static void
recover(struct parser *p)
{
	if (p->kind == 0 || (p->kind == '\n' && p->depth <= p->base))
		return;
	if (p->kind == '}' && p->depth < p->base) {
		/* It closes the block: give it back. */
		p->pos--;
		p->depth++;
	}
	p->skipping = true;
}

/* The edit distance of two words, of a keyword's length. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[17], i, j, above, diagonal, best;
	size_t la = strlen(a), lb = strlen(b);

	if (la > 16 || lb > 16)
		return 16;
	for (j = 0; j <= lb; j++)
		row[j] = j;
	for (i = 1; i <= la; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= lb; j++) {
			above = row[j];
			best = diagonal + (a[i - 1] != b[j - 1]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[lb];
}

static void
unknown_keyword(struct parser *p, struct word w)
{
	enum place place = p->base == 0 ? PLACE_FILE : PLACE_UPSTREAM;
	char buf[EXPECTED_MAX];
	const char *nearest = NULL;
	size_t i, d, least = SIZE_MAX;

	for (i = 0; i < NKEYWORDS; i++) {
		d = distance(w.text, keywords[i].name);
		if (keywords[i].place != place || d >= least ||
		    d > strlen(keywords[i].name) / 3)
			continue;
		least = d;
		nearest = keywords[i].name;
	}
	if (nearest != NULL)
		complain(p, w, "unknown keyword; did you mean %s?", nearest);
	else
		complain(p, w, "unknown keyword; expected %s", openers(p, buf));
}

/*
 * The lexer.
 */

static void skip_statement(struct parser *);
static void skip_blanks(struct parser *);
static int lex_word(struct parser *);
static int lex_quoted(struct parser *);
static int lex_macro(struct parser *);
static int lex_byte(struct parser *);
static int keep(struct parser *, int, const char *);
static int bad(struct parser *, const char *, size_t, const char *);
static size_t newline_at(const struct parser *, size_t);
static bool is_word_char(const struct parser *, char);
static bool is_macro_char(char, bool);

static int
yylex(struct word *value, struct parser *p)
{
	if (p->errors > ERRORS_MAX)
		return keep(p, 0, at_eof);
	if (p->skipping) {
		p->skipping = false;
		skip_statement(p);
		if (p->pos < p->len && p->text[p->pos] == '}')
			return keep(p, '\n', at_newline);
	} else
		skip_blanks(p);
	if (p->pos == p->len)
		(void)keep(p, p->first ? 0 : '\n',
		    p->first ? at_eof : at_newline);
	else if (p->text[p->pos] == '"')
		(void)lex_quoted(p);
	else if (p->text[p->pos] == '$')
		(void)lex_macro(p);
	else if (p->text[p->pos] != '=' && is_word_char(p, p->text[p->pos]))
		(void)lex_word(p);
	else
		(void)lex_byte(p);
	*value = p->token;
	return p->kind;
}

/* To the newline that ends it, or the brace that closes what it stands in. */
static void
skip_statement(struct parser *p)
{
	bool quoted = false, comment = false;
	char c;

	for (; p->pos < p->len; p->pos++) {
		c = p->text[p->pos];
		if (c == '\n') {
			if (p->depth <= p->base)
				return;
			p->line++;
			quoted = comment = false;
		} else if (comment)
			continue;
		else if (c == '\\' && quoted && p->pos + 1 < p->len &&
		    p->text[p->pos + 1] != '\n')
			p->pos++;
		else if (c == '\\' && newline_at(p, p->pos + 1) != 0) {
			p->pos += newline_at(p, p->pos + 1);
			p->line++;
		} else if (c == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (c == '#')
			comment = true;
		else if (c == '{')
			p->depth++;
		else if (c == '}' && p->depth == p->base && p->base > 0)
			return;
		else if (c == '}' && p->depth > 0)
			p->depth--;
	}
}

static void
skip_blanks(struct parser *p)
{
	char c;

	for (; p->pos < p->len; p->pos++) {
		c = p->text[p->pos];
		if (c == '#') {
			while (p->pos < p->len && p->text[p->pos] != '\n')
				p->pos++;
			return;
		}
		if (c == '\\' && newline_at(p, p->pos + 1) != 0) {
			p->pos += newline_at(p, p->pos + 1);
			p->line++;
		} else if (c == '\r' && newline_at(p, p->pos) != 0)
			continue;
		else if (c != ' ' && c != '\t')
			return;
	}
}

static int
lex_word(struct parser *p)
{
	const char *start = p->text + p->pos;
	char *word = p->arena + p->used;
	size_t i, len = 0;

	while (p->pos < p->len && is_word_char(p, p->text[p->pos])) {
		p->pos++;
		len++;
	}
	if (len >= WORD_SIZE)
		return bad(p, start, len, "the word is too long");
	memcpy(word, start, len);
	word[len] = '\0';
	p->used += len + 1;
	for (i = 0; i < NKEYWORDS; i++)
		if (strcmp(word, keywords[i].name) == 0)
			return keep(p, keywords[i].token, word);
	return keep(p, WORD, word);
}

static int
lex_quoted(struct parser *p)
{
	const char *start = p->text + ++p->pos;
	char *word = p->arena + p->used, c;
	size_t len = 0;

	for (; p->pos < p->len; p->pos++) {
		c = p->text[p->pos];
		if (c == '\n' || c == '"')
			break;
		if (c == '\\' && p->pos + 1 < p->len &&
		    (p->text[p->pos + 1] == '"' ||
			p->text[p->pos + 1] == '\\'))
			c = p->text[++p->pos];
		if (c < ' ' || c > '~')
			return lex_byte(p);
		word[len++] = c;
	}
	if (p->pos == p->len || p->text[p->pos] != '"')
		return bad(p, start, len, "the quote is not closed on its line");
	p->pos++;
	if (len >= WORD_SIZE)
		return bad(p, start, len, "the word is too long");
	word[len] = '\0';
	p->used += len + 1;
	return keep(p, WORD, word);
}

static int
lex_macro(struct parser *p)
{
	const char *start = p->text + p->pos, *name = start + 1;
	size_t i, len = 0;

	p->pos++;
	while (p->pos < p->len && is_macro_char(p->text[p->pos], len == 0)) {
		p->pos++;
		len++;
	}
	if (len == 0)
		return bad(p, start, 1, "expected the name of a macro after $");
	for (i = 0; i < p->nmacro; i++)
		if (p->macro[i].name_len == len &&
		    memcmp(p->macro[i].name, name, len) == 0)
			return keep(p, WORD, p->macro[i].value);
	return bad(p, start, len + 1,
	    "the macro is not defined: set it on a line before, or with -D");
}

/* Punctuation, or what cannot stand in a config at all. */
static int
lex_byte(struct parser *p)
{
	char text[32];
	unsigned char c = (unsigned char)p->text[p->pos++];

	switch (c) {
	case '\n':
		(void)keep(p, c, at_newline);
		p->line++;
		return c;
	case '{':
		p->depth++;
		return keep(p, c, "{");
	case '}':
		if (p->depth > 0)
			p->depth--;
		return keep(p, c, "}");
	case ',':
		return keep(p, c, ",");
	case '=':
		return keep(p, c, "=");
	}
	if (c == '\\')
		return bad(p, "\\", 1,
		    "a backslash stands before a newline, or in quotes");
	(void)snprintf(text, sizeof(text), "byte 0x%02x", c);
	return bad(p, text, strlen(text), "expected printable ASCII");
}

/* Remembers the token, for errors, and where it stood. */
static int
keep(struct parser *p, int kind, const char *text)
{
	p->before = p->token;
	p->before_kind = p->kind;
	p->kind = kind;
	p->token.text = text;
	p->token.line = p->line;
	p->first = kind == '\n';
	return kind;
}

static int
bad(struct parser *p, const char *text, size_t len, const char *why)
{
	char near[NEAR_MAX + 2];
	struct word w;

	if (len > NEAR_MAX + 1)
		len = NEAR_MAX + 1;
	memcpy(near, text, len);
	near[len] = '\0';
	w.text = near;
	w.line = p->line;
	complain(p, w, "%s", why);
	return keep(p, BAD, "");
}

/* The length of the line's end at this place, 0 if there is none. */
static size_t
newline_at(const struct parser *p, size_t pos)
{
	if (pos < p->len && p->text[pos] == '\n')
		return 1;
	return pos + 1 < p->len && p->text[pos] == '\r' &&
		p->text[pos + 1] == '\n' ?
	    2 :
	    0;
}

static bool
is_word_char(const struct parser *p, char c)
{
	/* It ends the name of a macro, but is a part of a pin. */
	if (c == '=')
		return !p->first;
	return c > ' ' && c <= '~' && strchr("{},#\"$\\", c) == NULL;
}

static bool
is_macro_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	    (!first && c >= '0' && c <= '9');
}

/*
 * Checks of values. Each takes the word that an error is about.
 */

static bool set_address(struct parser *, struct netaddr *, struct word,
    struct word, uint16_t);
static void set_text(char *, size_t, const char *);
static bool parse_number(const char *, uint32_t, uint32_t, uint32_t *);
static bool is_name(const char *, size_t);
static bool is_host(const char *);
static bool is_plain(const char *);
static int find_upstream(const struct conf *, const char *);
static int add_builtin(struct parser *, struct word);
static void
resolve_zone(struct parser *, const struct zone *, struct conf_zone *);
static uint32_t use_upstream(struct conf *, uint32_t);

/* Whether this is the first time; says so when it is not. */
static bool
once(struct parser *p, struct word w, int *line)
{
	if (*line != 0) {
		complain(p, w, "given twice, first on line %d", *line);
		return false;
	}
	*line = w.line;
	return true;
}

static void
set_number(struct parser *p, uint32_t *n, struct word w, uint32_t least,
    uint32_t most, const char *expected)
{
	if (!parse_number(w.text, least, most, n))
		complain(p, w, "expected %s", expected);
}

/* A number, and perhaps one of the letters. */
static void
set_scaled(struct parser *p, uint32_t *n, struct word w,
    const struct config_scale *scale, uint32_t least, uint32_t most,
    const char *expected)
{
	char digits[16];
	size_t len = strlen(w.text);
	uint32_t by = 1, v;

	for (; len > 0 && scale->letter != '\0'; scale++)
		if (w.text[len - 1] == scale->letter) {
			by = scale->by;
			len--;
			break;
		}
	if (len < sizeof(digits)) {
		memcpy(digits, w.text, len);
		digits[len] = '\0';
		if (parse_number(digits, 0, most / by, &v) && v * by >= least) {
			*n = v * by;
			return;
		}
	}
	complain(p, w, "expected %s", expected);
}

/* In whole pages, as memory is had: the size is a bound, so rounded down. */
static void
set_cache_size(struct parser *p, struct word w)
{
	uint32_t *n = &p->conf->cache_size;

	set_scaled(p, n, w, config_sizes, CONF_CACHE_SIZE_MIN,
	    CONF_CACHE_SIZE_MAX, A_SIZE);
	*n -= *n % CONF_CACHE_PAGE;
}

static void
set_ttl(struct parser *p, uint32_t *n, struct word w)
{
	set_scaled(p, n, w, config_times, 0, CONF_TTL_LIMIT, A_TTL);
}

/* At the end: max may stand on a later line than min, which is 0 if it was not
 * given. */
static void
check_ttls(struct parser *p)
{
	if (p->conf->ttl_min > p->conf->ttl_max)
		complain(p, p->ttl_min, "more than cache ttl max (%u)",
		    p->conf->ttl_max);
}

static void
set_special(struct parser *p, struct word w, bool on)
{
	unsigned int number = special_number(w.text);

	if (number == SPECIALS)
		complain(p, w, "expected " A_SPECIAL);
	else if (!once(p, w, &p->seen.special[number]))
		return;
	else if (on)
		p->conf->special |= 1u << number;
	else
		p->conf->special &= ~(1u << number);
}

static void
add_local(struct parser *p, struct word name, struct word type,
    struct word value)
{
	const char *wrong;

	wrong = config_local_add(p->conf, name.text, type.text, value.text);
	if (wrong != NULL)
		complain(p, name, "%s", wrong);
}

static void
set_hosts(struct parser *p, struct word w)
{
	if (w.text[0] != '/' || strlen(w.text) >= sizeof(p->conf->hosts))
		complain(p, w, "expected " A_PATH);
	else
		set_text(p->conf->hosts, sizeof(p->conf->hosts), w.text);
}

static void
take_macros(struct parser *p, char *const *macros, size_t nmacros)
{
	struct macro *m;
	const char *equals;
	size_t i, j;

	for (i = 0; i < nmacros; i++) {
		equals = strchr(macros[i], '=');
		for (j = 0; is_macro_char(macros[i][j], j == 0); j++)
			;
		if (equals == NULL || j == 0 || macros[i] + j != equals ||
		    !is_plain(equals + 1)) {
			log_warnx("-D %s: expected macro=value", macros[i]);
			p->errors++;
		} else if (p->nmacro == MACROS_MAX / 2) {
			log_warnx("-D %s: too many macros", macros[i]);
			p->errors++;
		} else {
			m = &p->macro[p->nmacro++];
			m->name = macros[i];
			m->name_len = j;
			m->value = equals + 1;
		}
	}
}

static void
set_macro(struct parser *p, struct word name, struct word value)
{
	struct macro *m;
	size_t i, len = strlen(name.text);

	for (i = 0; is_macro_char(name.text[i], i == 0); i++)
		;
	if (i != len) {
		complain(p, name,
		    "expected letters, digits and _ in a macro's name");
		return;
	}
	for (m = p->macro; m < p->macro + p->nmacro; m++)
		if (m->name_len == len && memcmp(m->name, name.text, len) == 0)
			break;
	if (m < p->macro + p->nmacro) {
		/* One from -D stands; the file's is only marked as seen. */
		(void)once(p, name, &m->line);
		return;
	}
	if (p->nmacro == MACROS_MAX) {
		complain(p, name, "too many macros");
		return;
	}
	p->nmacro++;
	m->name = name.text;
	m->name_len = len;
	m->value = value.text;
	m->line = name.line;
}

static void
set_user(struct parser *p, struct word w)
{
	if (!is_name(w.text, CONF_USER_MAX))
		complain(p, w, "expected " A_USER);
	else if (strcmp(w.text, "root") == 0)
		complain(p, w, "expected " A_USER " other than root");
	else
		(void)snprintf(
		    p->conf->user, sizeof(p->conf->user), "%s", w.text);
}

static void
set_chroot(struct parser *p, struct word w)
{
	if (w.text[0] != '/' || w.text[strspn(w.text, "/.")] == '\0')
		complain(p, w, "expected " A_PATH " of an empty folder");
	else
		set_text(p->conf->chroot, sizeof(p->conf->chroot), w.text);
}

static void
add_listen(struct parser *p, struct word w, struct word port, struct word other)
{
	struct conf *conf = p->conf;
	struct netaddr a;
	uint32_t i, n = 0;

	if (!p->own_listen)
		conf->nlisten = 0;
	p->own_listen = true;
	if (!set_address(p, &a, w, port, CONF_PORT))
		return;
	if (other.text != NULL && !parse_number(other.text, 1, 65535, &n)) {
		complain(p, other, "expected " A_PORT);
		return;
	}
	for (i = 0; i < conf->nlisten; i++)
		if (listens_on(conf, i, &a, a.port) ||
		    listens_on(conf, i, &a, (uint16_t)n)) {
			complain(p, w, "this address and port is listed twice");
			return;
		}
	if (conf->nlisten == CONF_LISTEN_MAX)
		complain(p, w,
		    "expected at most " LITERAL(CONF_LISTEN_MAX) " addresses");
	else {
		conf->listen_or[conf->nlisten] = (uint16_t)n;
		conf->listen[conf->nlisten++] = a;
	}
}

/* Whether the i-th listens there already, with its one port or the other. */
static bool
listens_on(const struct conf *conf, uint32_t i, const struct netaddr *a,
    uint16_t port)
{
	struct netaddr one = conf->listen[i], wanted = *a;

	wanted.port = port;
	if (port == 0)
		return false;
	if (netaddr_equal(&one, &wanted))
		return true;
	one.port = conf->listen_or[i];
	return netaddr_equal(&one, &wanted);
}

static void
add_allow(struct parser *p, struct word w)
{
	struct conf *conf = p->conf;
	struct netaddr a;
	uint32_t i;

	if (!p->own_allow)
		conf->nallow = 0;
	p->own_allow = true;
	if (!netaddr_parse_prefix(&a, w.text)) {
		complain(p, w,
		    "expected " A_PREFIX ", with no bit set beyond its length");
		return;
	}
	for (i = 0; i < conf->nallow; i++)
		if (netaddr_equal(&conf->allow[i], &a) &&
		    conf->allow[i].bits == a.bits) {
			complain(p, w, "this prefix is listed twice");
			return;
		}
	if (conf->nallow == CONF_ALLOW_MAX)
		complain(p, w,
		    "expected at most " LITERAL(CONF_ALLOW_MAX) " prefixes");
	else
		conf->allow[conf->nallow++] = a;
}

static void
check_tcp(struct parser *p)
{
	struct conf *conf = p->conf;

	if (conf->tcp_each <= conf->tcp_max)
		return;
	if (p->tcp_each.text != NULL)
		complain(p, p->tcp_each,
		    "more than tcp connections (%u) in all", conf->tcp_max);
	conf->tcp_each = conf->tcp_max;
}

static void
begin_upstream(struct parser *p, struct word w)
{
	struct conf *conf = p->conf;
	const struct conf_upstream *builtin = config_builtin(w.text);

	p->up = &p->discard;
	p->up_word = w;
	p->up_errors = p->errors;
	p->own_address = p->own_pin = false;
	p->seen.name = p->seen.ca = 0;
	memset(p->up, 0, sizeof(*p->up));
	if (!is_name(w.text, CONF_NAME_MAX))
		complain(p, w,
		    "expected a name of letters, digits, '.', '-' and '_'");
	else if (find_upstream(conf, w.text) != -1)
		complain(p, w, "this upstream is defined twice");
	else if (conf->nupstream == CONF_UPSTREAMS_MAX)
		complain(p, w,
		    "expected at most " LITERAL(CONF_UPSTREAMS_MAX)
		    " upstreams");
	else
		p->up = &conf->upstream[conf->nupstream++];
	if (builtin != NULL)
		*p->up = *builtin;
	else if (p->up != &p->discard)
		set_text(p->up->name, sizeof(p->up->name), w.text);
	expect(p, "{ or " END);
}

static void
end_upstream(struct parser *p)
{
	if (p->errors != p->up_errors)
		return;
	if (p->up->naddress == 0)
		complain(p, p->up_word, "the upstream has no address");
	if (p->up->host[0] == '\0' && p->up->npin == 0)
		complain(p, p->up_word,
		    "the upstream would trust anyone: give it a name, a pin "
		    "or both");
}

static void
add_address(struct parser *p, struct word w, struct word port)
{
	struct conf_upstream *up = p->up;
	struct netaddr a;
	uint32_t i;

	if (!p->own_address) {
		memset(up->address, 0, sizeof(up->address));
		up->naddress = 0;
	}
	p->own_address = true;
	if (!set_address(p, &a, w, port, CONF_TLS_PORT))
		return;
	if (netaddr_is_wildcard(&a)) {
		complain(p, w, "expected the address of a server");
		return;
	}
	for (i = 0; i < up->naddress; i++)
		if (netaddr_equal(&up->address[i], &a)) {
			complain(p, w, "this address and port is listed twice");
			return;
		}
	if (up->naddress == CONF_ADDRESSES_MAX)
		complain(p, w,
		    "expected at most " LITERAL(CONF_ADDRESSES_MAX)
		    " addresses");
	else
		up->address[up->naddress++] = a;
}

static void
set_host(struct parser *p, struct word w)
{
	struct netaddr a;

	if (!is_host(w.text) && !(netaddr_parse(&a, w.text) && a.scope == 0))
		complain(p, w, "expected " A_HOST);
	else
		set_text(p->up->host, sizeof(p->up->host), w.text);
}

/* The parent opens it later; what is wrong now has a line to name. */
static void
set_ca(struct parser *p, struct word w)
{
	struct stat st;
	int fd;

	if (w.text[0] != '/') {
		complain(p, w, "expected " A_PATH);
		return;
	}
	fd = open(w.text, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd == -1) {
		complain(p, w, "cannot be opened: %s", strerror(errno));
		return;
	}
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		complain(p, w, "expected a file of certificates (PEM)");
	else
		set_text(p->up->ca, sizeof(p->up->ca), w.text);
	close(fd);
}

static void
add_pin(struct parser *p, struct word w)
{
	struct conf_upstream *up = p->up;
	uint8_t pin[CONF_PIN_LEN];
	uint32_t i;

	if (!p->own_pin) {
		memset(up->pin, 0, sizeof(up->pin));
		up->npin = 0;
	}
	p->own_pin = true;
	if (!config_pin_parse(pin, w.text)) {
		complain(p, w, "expected " A_PIN);
		return;
	}
	for (i = 0; i < up->npin; i++)
		if (memcmp(up->pin[i], pin, sizeof(pin)) == 0) {
			complain(p, w, "this pin is listed twice");
			return;
		}
	if (up->npin == CONF_PINS_MAX)
		complain(
		    p, w, "expected at most " LITERAL(CONF_PINS_MAX) " pins");
	else
		memcpy(up->pin[up->npin++], pin, sizeof(pin));
}

/* What is refused is read on, for what else is wrong with it. */
static void
begin_default(struct parser *p, struct word w)
{
	memset(&p->nozone, 0, sizeof(p->nozone));
	p->to = once(p, w, &p->seen.forward) ? &p->zone[0] : &p->nozone;
}

static void
begin_zone(struct parser *p, struct word w)
{
	struct zone *z = &p->nozone;
	uint32_t i;

	memset(z, 0, sizeof(*z));
	p->to = z;
	z->name_len = config_name_parse(z->name, w.text);
	if (z->name_len == 0) {
		complain(p, w,
		    strcmp(w.text, ".") == 0 ?
			"expected " A_NAME ": all of them are what \"forward "
			"to\" is for" :
			"expected " A_NAME);
		return;
	}
	for (i = 1; i < p->nzone; i++)
		if (p->zone[i].name_len == z->name_len &&
		    memcmp(p->zone[i].name, z->name, z->name_len) == 0) {
			complain(p, w, "this zone is given twice");
			return;
		}
	if (p->nzone == CONF_ZONES_MAX) {
		complain(p, w, "expected at most 63 zones");
		return;
	}
	p->to = &p->zone[p->nzone++];
	*p->to = *z;
}

static void
add_target(struct parser *p, struct word w)
{
	struct zone *z = p->to;
	uint32_t i;

	for (i = 0; i < z->n; i++)
		if (strcmp(z->to[i].text, w.text) == 0) {
			complain(p, w, "this upstream is listed twice");
			return;
		}
	if (z->n == CONF_UPSTREAMS_MAX)
		complain(p, w,
		    "expected at most " LITERAL(CONF_UPSTREAMS_MAX)
		    " upstreams");
	else
		z->to[z->n++] = w;
}

static void
set_policy(struct parser *p, struct word w)
{
	uint32_t i;

	for (i = 0; i < CONF_POLICIES; i++)
		if (strcmp(config_policies[i], w.text) == 0) {
			p->to->policy = i;
			return;
		}
	complain(p, w, "expected " A_POLICY);
}

/* Names to indices, once all upstreams are known: those that are named come
 * first, in the order in which they are. */
static void
resolve_zones(struct parser *p)
{
	struct word w = { "cloudflare", p->line };
	uint32_t i;

	if (p->zone[0].n == 0 && p->seen.forward == 0)
		p->zone[0].to[p->zone[0].n++] = w;
	for (i = 0; i < p->nzone; i++)
		resolve_zone(p, &p->zone[i], &p->conf->zone[i]);
	p->conf->nzone = p->nzone;
}

static void
resolve_zone(struct parser *p, const struct zone *from, struct conf_zone *z)
{
	uint32_t i;
	int index;

	memcpy(z->name, from->name, from->name_len);
	z->name_len = (uint8_t)from->name_len;
	z->policy = from->policy;
	for (i = 0; i < from->n; i++) {
		index = find_upstream(p->conf, from->to[i].text);
		if (index == -1)
			index = add_builtin(p, from->to[i]);
		if (index != -1)
			z->upstream[z->nupstream++] =
			    (uint8_t)use_upstream(p->conf, (uint32_t)index);
	}
}

/* Among the used ones, if it was not: its index there. */
static uint32_t
use_upstream(struct conf *conf, uint32_t index)
{
	struct conf_upstream *up = conf->upstream, *used;

	if (index < conf->nused)
		return index;
	if ((used = malloc(sizeof(*used))) == NULL)
		fatal("config_read");
	*used = up[index];
	memmove(&up[conf->nused + 1], &up[conf->nused],
	    (index - conf->nused) * sizeof(*up));
	up[conf->nused] = *used;
	free(used);
	return conf->nused++;
}

static int
find_upstream(const struct conf *conf, const char *name)
{
	uint32_t i;

	for (i = 0; i < conf->nupstream; i++)
		if (strcmp(conf->upstream[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int
add_builtin(struct parser *p, struct word w)
{
	const struct conf_upstream *builtin = config_builtin(w.text);

	if (builtin == NULL)
		complain(p, w, "no upstream of this name is defined");
	else if (p->conf->nupstream == CONF_UPSTREAMS_MAX)
		complain(p, w,
		    "expected at most " LITERAL(CONF_UPSTREAMS_MAX)
		    " upstreams");
	else {
		p->conf->upstream[p->conf->nupstream] = *builtin;
		return (int)p->conf->nupstream++;
	}
	return -1;
}

/* An address that a socket can be bound or connected to. */
static bool
set_address(struct parser *p, struct netaddr *a, struct word w,
    struct word port, uint16_t usual)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint32_t n = usual;

	if (!netaddr_parse(a, w.text)) {
		complain(p, w, "expected " AN_ADDRESS);
		return false;
	}
	if (port.text != NULL && !parse_number(port.text, 1, 65535, &n)) {
		complain(p, port, "expected " A_PORT);
		return false;
	}
	a->port = (uint16_t)n;
	if (a->family == 4 ? a->bytes[0] >= 224 : a->bytes[0] == 0xff)
		complain(p, w, "expected the address of one host");
	else if (a->family == 6 && memcmp(a->bytes, mapped, 12) == 0)
		complain(p, w, "expected the IPv4 address itself, without ::ffff:");
	else if (a->family == 6 && a->scope == 0 && a->bytes[0] == 0xfe &&
	    (a->bytes[1] & 0xc0) == 0x80)
		complain(p, w, "expected %%interface after a link-local address");
	else
		return true;
	return false;
}

/* Over the whole of a field, so that equal configs are equal bytes. */
static void
set_text(char *field, size_t size, const char *text)
{
	memset(field, 0, size);
	(void)snprintf(field, size, "%s", text);
}

static bool
parse_number(const char *text, uint32_t least, uint32_t most, uint32_t *n)
{
	uint64_t value = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 10; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	if (i == 0 || text[i] != '\0' || value < least || value > most)
		return false;
	*n = (uint32_t)value;
	return true;
}

/* A user's or an upstream's: it goes into logs as it is. */
static bool
is_name(const char *text, size_t size)
{
	size_t i;

	for (i = 0; text[i] != '\0'; i++)
		if (!is_macro_char(text[i], false) &&
		    (i == 0 || strchr("-.", text[i]) == NULL))
			return false;
	return i > 0 && i < size;
}

/* RFC 1123 section 2.1: letters, digits, hyphens; the last label has a
 * letter, or it is an address gone wrong. */
static bool
is_host(const char *text)
{
	size_t i, label = 0;
	bool letter = false;

	for (i = 0; text[i] != '\0'; i++) {
		if (text[i] == '.') {
			if (label == 0 || text[i - 1] == '-')
				return false;
			label = 0;
			letter = false;
			continue;
		}
		if (text[i] == '-' ? label == 0 :
				     text[i] == '_' ||
			    !is_macro_char(text[i], false))
			return false;
		letter |= is_macro_char(text[i], true);
		if (++label > 63)
			return false;
	}
	return label > 0 && letter && text[i - 1] != '-' && i <= 253;
}

/* What a word of the file can hold. */
static bool
is_plain(const char *text)
{
	size_t i;

	for (i = 0; text[i] >= ' ' && text[i] <= '~'; i++)
		;
	return text[i] == '\0' && i < WORD_SIZE;
}
