/*
 * The grammar's own: what its files know of a config while it is being read.
 * Nothing of it outlives config_read.
 */
#ifndef PARENT_PARSE_H
#define PARENT_PARSE_H

#include "dotproxy/special.h"

#include "config.h"

#define WORD_SIZE  1024 /* of the longest word, with its NUL */
#define MACROS_MAX 256
#define ERRORS_MAX 20
#define NEAR_MAX   64 /* of a word, in an error */

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
	int no_exempt, limit, limit_hit, limit_slip, limit_memory;
	int limit_burst, limit_prefix, limit_prefix6;
	int limit_zone, zone_burst, zone_labels, amplification;
	int cookies, block, block_kernel, block_over, block_for, block_max;
	int name, ca, via, interface; /* of the upstream being read */
};

struct parser {
	const char *path;
	struct conf *conf;
	int errors;

	/* The file, and the lexer's place in it. */
	char *text;
	size_t len, pos;
	bool readable; /* by everyone */
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
	struct netaddr *into; /* the list of prefixes being read */
	uint32_t *ninto, into_max;
	bool own_listen, own_allow,
	    own_exempt; /* the file's, not the defaults */
	struct conf_upstream *up; /* the one being read */
	struct conf_upstream discard; /* stands for one that is refused */
	struct word up_word;
	int up_errors; /* errors before it */
	bool own_address, own_pin; /* not the built-in ones */
	struct word tcp_each, ttl_min, block_for, cookies_for;
	uint32_t local_ttl; /* of the record being read */
	bool special; /* the names being read are answered here, or not */
	struct zone zone[CONF_ZONES_MAX]; /* [0] is the root */
	struct zone nozone; /* stands for one that is refused */
	struct zone *to; /* the one being read */
	uint32_t nzone;
	struct macro macro[MACROS_MAX];
	size_t nmacro;
};

#define LITERAL(n)  LITERAL_(n)
#define LITERAL_(n) #n
#define UP_TO(n)    "a number from 1 to " LITERAL(n)
#define A_UDP_SIZE                                                             \
	"a number from " LITERAL(CONF_UDP_SIZE_MIN) " to " LITERAL(            \
	    CONF_UDP_SIZE_MAX)
#define A_SIZE	 "a size from 1M to 2G"
#define A_RATE	 "a number from 1 to " LITERAL(CONF_LIMIT_RATE_MAX)
#define A_BITS	 "a number from " LITERAL(CONF_LIMIT_PREFIX_MIN) " to 32"
#define A_BITS6	 "a number from " LITERAL(CONF_LIMIT_PREFIX6_MIN) " to 128"
#define A_COST	 "a cost from 0 to 1, such as 0.25"
#define A_SLIP	 "a number from 0 to " LITERAL(CONF_LIMIT_SLIP_MAX)
#define A_MEMORY "a size from 64K to 256M"
#define A_LIMIT                                                                \
	"\"rate\", \"hit\", \"slip\", \"memory\", \"exempt\", \"zone\" or \"off\""
#define A_TTL	    "a time from 0 to 7d"
#define A_TIME	    "a time from 1 to 7d"
#define AN_HOUR	    "a time from 1 to 1h"
#define BLOCK_WORDS "\"over\", \"for\", \"max\" or " END
#define A_SPECIAL   "a special name such as localhost or home.arpa"
#define A_TYPE	    "A, AAAA, CNAME, PTR or TXT"
#define A_USER	    "the name of a user"
#define A_PATH	    "an absolute path"
#define AN_ADDRESS  "an IP address"
#define A_PORT	    "a port from 1 to 65535"
#define A_PREFIX    "an address or a prefix such as 192.0.2.0/24"
#define A_HOST	    "a host name or an IP address, as in the certificate"
#define A_PIN	    "sha256/ and the base64 of 32 bytes"
#define AN_ENDPOINT "an address and port such as 127.0.0.1:40000 or [::1]:40000"
#define AN_INTERFACE                                                           \
	"the name of an interface, of at most 15 bytes without / or :"
#define A_SOCKS_WORD "a word of 1 to 255 bytes"
#define AN_UPSTREAM  "the name of an upstream"
#define A_NAME	     "a domain name"
#define A_POLICY     "failover, fastest, round-robin or race"
#define END	     "the end of the line"

/* parse_keyword.h has the keywords, and where each may open a statement. */
enum place { PLACE_FILE, PLACE_UPSTREAM, PLACE_NONE };
struct keyword {
	const char *name; /* NULL ends the table */
	int token;
	enum place place;
};
extern const struct keyword keywords[];
extern const int token_word, token_bad; /* WORD and BAD */

/* parse.y: 0, or the grammar gave up. */
int yyparse(struct parser *p);

/* parse_lex.c: the lexer. Its texts of what is no word are these. */
extern const char at_newline[], at_eof[];
int yylex(struct word *value, struct parser *p);
/* Whether a name, as of a macro, may have it: as its first one, too. */
bool is_macro_char(char c, bool first);

/* parse_error.c: errors. expect says what may come next, for the one that may
 * come of it; NULL is the start of a statement. */
void expect(struct parser *p, const char *what);
void complain(struct parser *p, struct word near, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void yyerror(struct parser *p, const char *msg);

/* parse_file.c: the file, into p->text. False: it was told why not. */
bool read_file(struct parser *p);

/* parse_macro.c: macros, the file's and those of -D. */
void take_macros(struct parser *p, char *const *macros, size_t nmacros);
void set_macro(struct parser *p, struct word name, struct word value);

/* parse_value.c: checks of values. Whatever takes a word complains of it. */
/* Whether this is the first time; says so when it is not. */
bool once(struct parser *p, struct word w, int *line);
void set_number(struct parser *p, uint32_t *n, struct word w, uint32_t least,
    uint32_t most, const char *expected);
/* A number, and perhaps one of the letters. */
void set_scaled(struct parser *p, uint32_t *n, struct word w,
    const struct config_scale *scale, uint32_t least, uint32_t most,
    const char *expected);
/* An address that a socket can be bound or connected to; port may have no
 * text: then it is the usual one. */
bool set_address(struct parser *p, struct netaddr *a, struct word w,
    struct word port, uint16_t usual);
/* Over the whole of a field, so that equal configs are equal bytes. */
void set_text(char *field, size_t size, const char *text);
bool parse_number(const char *text, uint32_t least, uint32_t most, uint32_t *n);
/* A user's or an upstream's: it goes into logs as it is. */
bool is_name(const char *text, size_t size);
/* RFC 1123 section 2.1: letters, digits, hyphens; the last label has a
 * letter, or it is an address gone wrong. */
bool is_host(const char *text);
/* What a word of the file can hold. */
bool is_plain(const char *text);

/* parse_global.c: what stands outside of upstreams and zones. */
void set_cache_size(struct parser *p, struct word w);
void set_ttl(struct parser *p, uint32_t *n, struct word w);
void set_special(struct parser *p, struct word w);
void add_local(
    struct parser *p, struct word name, struct word type, struct word value);
void set_hosts(struct parser *p, struct word w);
void set_user(struct parser *p, struct word w);
void set_chroot(struct parser *p, struct word w);
void add_listen(
    struct parser *p, struct word w, struct word port, struct word other);
/* The prefixes that add_prefix takes go there from now on; begin_exempt of
 * parse_limit.c is one more. */
void begin_allow(struct parser *p);
void begin_prefixes(
    struct parser *p, struct netaddr *list, uint32_t *n, uint32_t max);
void add_prefix(struct parser *p, struct word w);
/* At the end: what must agree may stand in any order. */
void check_tcp(struct parser *p);
void check_ttls(struct parser *p);
void check_guards(struct parser *p);

/* parse_upstream.c: a block of an upstream. */
void begin_upstream(struct parser *p, struct word w);
void set_plain(struct parser *p); /* before its block is read */
void end_upstream(struct parser *p);
/* Whether it may have such a setting; says so when it may not. */
bool is_for_tls(struct parser *p, struct word w);
void add_address(struct parser *p, struct word w, struct word port);
void set_host(struct parser *p, struct word w);
void set_ca(struct parser *p, struct word w);
void add_pin(struct parser *p, struct word w);
/* parse_way.c: how an upstream is reached. */
void set_socks(struct parser *p, struct word w);
/* The proxy's user, or the password. */
void
set_socks_word(struct parser *p, char field[CONF_SOCKS_MAX], struct word w);
void set_interface(struct parser *p, struct word w);
void set_source(struct parser *p, struct word w); /* one of each family */
/* At the end: says so when others may read them. */
void check_passwords(const struct parser *p);

/* parse_limit.c: limits of clients. */
void set_hit_cost(struct parser *p, struct word w);
void set_limit_memory(struct parser *p, struct word w);
void begin_exempt(struct parser *p, struct word w);
void no_exempt(struct parser *p, struct word w);

/* parse_upstream.c again: for zones. */
int find_upstream(const struct conf *conf, const char *name); /* -1: none */
/* Makes it one of the config's; its index there, or -1. */
int add_builtin(struct parser *p, struct word w);

/* parse_zone.c: who is asked for what. */
void begin_default(struct parser *p, struct word w);
void begin_zone(struct parser *p, struct word w);
void add_target(struct parser *p, struct word w);
void set_policy(struct parser *p, struct word w);
/* At the end: names to indices, once all upstreams are known. Those that are
 * named come first then, in the order in which they are. */
void resolve_zones(struct parser *p);

#endif
