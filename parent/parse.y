/*
 * The grammar of the config file, the way of OpenBSD's daemons. It tells every
 * error of a file, not only the first, and must never keep anything for the
 * next file.
 */
%{
#include "parse.h"
#include "parse_keyword.h"

#define YYSTYPE struct word
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
%token	ZONE POLICY PLAIN
%token	LIMIT RATE BURST PREFIX PREFIX6 HIT COST SLIP MEMORY EXEMPT OFF LABELS
%token	AMPLIFICATION
%token	COOKIES REQUIRE FOR BLOCK AFTER OVER KERNEL
%token	VIA SOCKS5 PASSWORD INTERFACE SOURCE

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
	| cookies
	| blocks
	| local
	| hosts
	| limit
	| amplification
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
	  FROM				{
		begin_allow(p);
		expect(p, A_PREFIX " or {");
	}
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
		add_prefix(p, $1);
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
		expect(p, "\"block\", \"cache\", \"cookies\", \"limit\", "
		    "\"special\" or \"stale\"");
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
	| COOKIES			{
		if (once(p, $1, &p->seen.cookies))
			p->conf->cookies = false;
	}
	| BLOCK				{
		if (once(p, $1, &p->seen.block))
			p->conf->block.after = 0;
	}
	| SPECIAL			{
		p->special = false;
		expect(p, A_SPECIAL " or {");
	}
	  specials
	| LIMIT				{
		expect(p, "\"exempt\" or \"zone\"");
	}
	  unlimited
	;

unlimited : EXEMPT			{ no_exempt(p, $1); }
	| ZONE				{
		if (once(p, $1, &p->seen.limit_zone))
			p->conf->limit.zone_rate = 0;
	}
	;

special	: SPECIAL			{
		p->special = true;
		expect(p, A_SPECIAL " or {");
	}
	  specials
	;

specials : special_name
	| '{'				{ expect(p, A_SPECIAL); }
	  optnl special_list '}'
	;

special_list : special_name comma
	| special_list special_name comma
	;

special_name : WORD			{
		set_special(p, $1);
		expect(p, A_SPECIAL " or }");
	}
	;

cookies	: COOKIES			{ expect(p, "\"require\" or " END); }
	  required			{ p->cookies_for = $1; }
	;

required : /* empty */			{
		(void)once(p, $-1, &p->seen.cookies);
	}
	| REQUIRE			{ expect(p, "\"for\""); }
	  FOR				{
		begin_prefixes(p, p->conf->cookies_for, &p->conf->ncookies_for,
		    CONF_COOKIES_MAX);
		expect(p, A_PREFIX " or {");
	}
	  prefixes
	;

blocks	: BLOCK				{
		begin_prefixes(p, p->conf->blocked, &p->conf->nblocked,
		    CONF_BLOCKED_MAX);
		expect(p, "\"after\", \"kernel\", " A_PREFIX " or {");
	}
	  blocked
	;

blocked	: prefixes
	| KERNEL			{
		if (once(p, $1, &p->seen.block_kernel))
			p->conf->block_kernel = true;
	}
	| AFTER				{ expect(p, UP_TO(CONF_BLOCK_AFTER_MAX)); }
	  WORD				{
		if (once(p, $1, &p->seen.block))
			set_number(p, &p->conf->block.after, $3, 1,
			    CONF_BLOCK_AFTER_MAX, UP_TO(CONF_BLOCK_AFTER_MAX));
		expect(p, BLOCK_WORDS);
	}
	  block_times
	;

block_times : /* empty */
	| block_times block_time	{ expect(p, BLOCK_WORDS); }
	;

block_time : OVER			{ expect(p, AN_HOUR); }
	  WORD				{
		if (once(p, $1, &p->seen.block_over))
			set_scaled(p, &p->conf->block.over, $3, config_times, 1,
			    CONF_BLOCK_OVER_MAX, AN_HOUR);
	}
	| FOR				{ expect(p, A_TIME); }
	  WORD				{
		if (once(p, $1, &p->seen.block_for)) {
			set_scaled(p, &p->conf->block.first, $3, config_times,
			    1, CONF_BLOCK_FOR_MAX, A_TIME);
			p->block_for = $3;
		}
	}
	| MAX				{ expect(p, A_TIME); }
	  WORD				{
		if (once(p, $1, &p->seen.block_max))
			set_scaled(p, &p->conf->block.max, $3, config_times, 1,
			    CONF_BLOCK_FOR_MAX, A_TIME);
	}
	;

local	: LOCAL				{ expect(p, "\"data\""); }
	  DATA				{ expect(p, A_NAME); }
	  WORD				{
		p->local_ttl = CONF_LOCAL_TTL;
		expect(p, "\"ttl\", " A_TYPE);
	}
	  local_ttl WORD		{ expect(p, "the record's value"); }
	  WORD				{ add_local(p, $5, $8, $10); }
	;

local_ttl : /* empty */
	| TTL				{ expect(p, A_TTL); }
	  WORD				{
		set_ttl(p, &p->local_ttl, $3);
		expect(p, A_TYPE);
	}
	;

hosts	: HOSTS				{ expect(p, A_PATH); }
	  WORD				{
		if (once(p, $1, &p->seen.hosts))
			set_hosts(p, $3);
	}
	;

limit	: LIMIT				{ expect(p, A_LIMIT); }
	  limited
	;

limited	: RATE				{ expect(p, A_RATE); }
	  WORD				{
		if (once(p, $1, &p->seen.limit))
			set_number(p, &p->conf->limit.rate, $3, 1,
			    CONF_LIMIT_RATE_MAX, A_RATE);
		expect(p, "\"burst\", \"prefix\", \"prefix6\" or " END);
	}
	  client
	| OFF				{
		if (once(p, $1, &p->seen.limit))
			p->conf->limit.rate = 0;
	}
	| HIT				{ expect(p, "\"cost\""); }
	  COST				{ expect(p, A_COST); }
	  WORD				{
		if (once(p, $1, &p->seen.limit_hit))
			set_hit_cost(p, $5);
	}
	| SLIP				{ expect(p, A_SLIP); }
	  WORD				{
		if (once(p, $1, &p->seen.limit_slip))
			set_number(p, &p->conf->limit.slip, $3, 0,
			    CONF_LIMIT_SLIP_MAX, A_SLIP);
	}
	| MEMORY			{ expect(p, A_MEMORY); }
	  WORD				{
		if (once(p, $1, &p->seen.limit_memory))
			set_limit_memory(p, $3);
	}
	| EXEMPT			{
		begin_exempt(p, $1);
		expect(p, A_PREFIX " or {");
	}
	  prefixes
	| ZONE				{ expect(p, "\"rate\""); }
	  RATE				{ expect(p, A_RATE); }
	  WORD				{
		if (once(p, $1, &p->seen.limit_zone)) {
			set_number(p, &p->conf->limit.zone_rate, $5, 1,
			    CONF_LIMIT_RATE_MAX, A_RATE);
			p->conf->limit.zone_burst = p->conf->limit.zone_rate;
		}
		expect(p, "\"burst\", \"labels\" or " END);
	}
	  beneath
	;

client	: /* empty */
	| client BURST			{ expect(p, A_RATE); }
	  WORD				{
		if (once(p, $2, &p->seen.limit_burst))
			set_number(p, &p->conf->limit.burst, $4, 1,
			    CONF_LIMIT_RATE_MAX, A_RATE);
		expect(p, "\"prefix\", \"prefix6\" or " END);
	}
	| client PREFIX			{ expect(p, A_BITS); }
	  WORD				{
		if (once(p, $2, &p->seen.limit_prefix))
			set_number(p, &p->conf->limit.prefix, $4,
			    CONF_LIMIT_PREFIX_MIN, 32, A_BITS);
		expect(p, "\"burst\", \"prefix6\" or " END);
	}
	| client PREFIX6		{ expect(p, A_BITS6); }
	  WORD				{
		if (once(p, $2, &p->seen.limit_prefix6))
			set_number(p, &p->conf->limit.prefix6, $4,
			    CONF_LIMIT_PREFIX6_MIN, 128, A_BITS6);
		expect(p, "\"burst\", \"prefix\" or " END);
	}
	;

beneath	: /* empty */
	| beneath BURST			{ expect(p, A_RATE); }
	  WORD				{
		if (once(p, $2, &p->seen.zone_burst))
			set_number(p, &p->conf->limit.zone_burst, $4, 1,
			    CONF_LIMIT_RATE_MAX, A_RATE);
		expect(p, "\"labels\" or " END);
	}
	| beneath LABELS		{ expect(p, UP_TO(CONF_LIMIT_LABELS_MAX)); }
	  WORD				{
		if (once(p, $2, &p->seen.zone_labels))
			set_number(p, &p->conf->limit.zone_labels, $4, 1,
			    CONF_LIMIT_LABELS_MAX,
			    UP_TO(CONF_LIMIT_LABELS_MAX));
		expect(p, "\"burst\" or " END);
	}
	;

amplification : AMPLIFICATION		{ expect(p, "\"max\""); }
	  MAX				{ expect(p, UP_TO(CONF_AMPLIFICATION_MAX)); }
	  WORD				{
		if (once(p, $1, &p->seen.amplification))
			set_number(p, &p->conf->limit.amplification, $5, 1,
			    CONF_AMPLIFICATION_MAX,
			    UP_TO(CONF_AMPLIFICATION_MAX));
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
	  WORD				{
		begin_upstream(p, $3);
		expect(p, "\"plain\", { or " END);
	}
	  plain block			{ end_upstream(p); }
	;

plain	: /* empty */
	| PLAIN				{ set_plain(p); expect(p, "{ or " END); }
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

item	: setting			{ expect(p, END); }
	;

setting	: ADDRESS			{ expect(p, AN_ADDRESS); }
	  WORD				{ expect(p, "\"port\" or " END); }
	  port				{ add_address(p, $3, $5); }
	| NAME				{ expect(p, A_HOST); }
	  WORD				{
		if (is_for_tls(p, $1) && once(p, $1, &p->seen.name))
			set_host(p, $3);
	}
	| CA				{ expect(p, A_PATH); }
	  WORD				{
		if (is_for_tls(p, $1) && once(p, $1, &p->seen.ca))
			set_ca(p, $3);
	}
	| PIN				{ expect(p, A_PIN); }
	  WORD				{
		if (is_for_tls(p, $1))
			add_pin(p, $3);
	}
	| VIA				{ expect(p, "\"socks5\""); }
	  SOCKS5			{ expect(p, AN_ENDPOINT); }
	  WORD				{
		if (is_for_tls(p, $1) && once(p, $1, &p->seen.via))
			set_socks(p, $5);
		expect(p, "\"user\" or " END);
	}
	  socks_user
	| INTERFACE			{ expect(p, AN_INTERFACE); }
	  WORD				{
		if (once(p, $1, &p->seen.interface))
			set_interface(p, $3);
	}
	| SOURCE			{ expect(p, AN_ADDRESS); }
	  WORD				{ set_source(p, $3); }
	;

socks_user : /* empty */
	| USER				{ expect(p, A_SOCKS_WORD); }
	  WORD				{
		set_socks_word(p, p->up->socks_user, $3);
		expect(p, "\"password\"");
	}
	  PASSWORD			{ expect(p, A_SOCKS_WORD); }
	  WORD				{
		set_socks_word(p, p->up->socks_password, $7);
	}
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

const struct keyword keywords[] = {
#define KEYWORD(name, token, place) { name, token, PLACE_##place },
	KEYWORD_TABLE(KEYWORD)
#undef KEYWORD
	{ NULL, 0, PLACE_NONE },
};

const int token_word = WORD, token_bad = BAD;
