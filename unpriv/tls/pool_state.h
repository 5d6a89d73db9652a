/*
 * The state of the pool, for the files that are the pool (pool*.c, choice.c)
 * and nobody else.
 */
#ifndef UNPRIV_TLS_POOL_STATE_H
#define UNPRIV_TLS_POOL_STATE_H

#include "budget.h"
#include "patience.h"
#include "pool.h"
#include "question.h"
#include "zone.h"

enum pool_conn_state {
	POOL_CONN_FREE,
	POOL_CONN_OPENING,
	POOL_CONN_UP,
	POOL_CONN_DRAINING
};

struct pool_conn {
	enum pool_conn_state state;
	uint32_t upstream, address; /* not of a draining one */
	uint64_t opened;
	uint64_t deadline; /* of opening, draining, or UDP */
	uint64_t quiet; /* since then nothing in flight was answered */
	uint64_t heard; /* the last answer; 0: none */
	uint64_t proof; /* of all that it answered, what was asked last: when */
	uint32_t inflight; /* all, and */
	uint32_t nlate; /* those of them that are overdue */
	uint32_t window; /* how many may be in flight and hoped for */
	uint32_t delivered; /* answers */
	uint32_t bad; /* messages in a row; of UDP in all */
	bool plain; /* to a plain upstream, */
	bool udp; /* ... a socket for datagrams */
	bool retired; /* one of these that takes no more questions */
	uint32_t asked; /* on it; counted of UDP only */
	bool doomed; /* an opening one that will not be up */
	bool doubted; /* let one lapse, and is silent since: takes none */
	uint32_t lapsed; /* so many in the silence */
	uint64_t lapsed_asked; /* when the first of these was asked */
	uint64_t missed; /* when one of these was answered elsewhere; 0: none */
	uint64_t proven; /* since when there is proof that it is dead, or 0 */
	bool full; /* has no room to write */
	/* A question of our own: whether it is alive. */
	bool probing;
	bool probe_late;
	uint16_t probe_id;
	uint64_t probed; /* when */
	struct attempts attempts, late; /* in the order of time */
};

struct pool_address {
	uint64_t until; /* of its back-off */
	uint64_t failed; /* when */
	uint32_t fails; /* in a row; 0: well */
	enum reason reason; /* of the last failure */
	bool suspect;
	uint64_t since; /* the first failure in the row */
	uint64_t probe; /* of a suspect: when */
	/* How many the last connection answered that took questions with it
	 * when it ended, 1 at least; 0: none did. A new one gets no more in
	 * flight than that, so that an upstream that ends connections early
	 * does not use up the attempts of all that wait. */
	uint32_t window;
	/* Counted anew by pool_tally. */
	uint32_t taking, opening, doomed, doubted;
	uint64_t no_spare; /* until then: it ends spares */
	struct patience patience;
	uint64_t measured; /* when; 0: never */
	uint64_t proof; /* of what it answered last: when it was asked */
	uint32_t average; /* of its answer times: ms / POOL_AVERAGE_ONE */
};

/* Of a zone that questions were asked in. */
struct pool_zone {
	uint8_t order[CONF_UPSTREAMS_MAX]; /* of each upstream; POOL_NOT_OF */
	uint32_t asked; /* questions since second began */
	uint32_t rate; /* ... in the one before */
	uint64_t second;
	uint32_t turn; /* round-robin: how many were asked */
	uint32_t since; /* fastest: questions since another was tried */
	uint32_t explore; /* ... the address to be tried; UINT32_MAX: none */
	uint64_t exploring; /* ... since when */
};
#define POOL_NOT_OF 0xff /* the zone has not this upstream */

struct pool {
	struct pool_ops ops;
	void *ctx;
	struct question_table table;
	struct pool_conn conn[POOL_CONNS];
	uint32_t nconn;
	uint32_t used; /* from here on all of conn[] are free */
	struct pool_upstream upstream[CONF_UPSTREAMS_MAX];
	struct pool_address address[CONF_UPSTREAMS_MAX][POOL_ADDRESSES_MAX];
	uint32_t nupstream;
	struct conf_zone zone[CONF_ZONES_MAX];
	struct pool_zone zones[CONF_ZONES_MAX];
	uint32_t nzone;
	uint32_t nsuspect;
	uint64_t asked; /* the last question */
	struct budget budget;
	uint64_t proof; /* of what was answered last: when it was asked */
	uint64_t excused; /* until then nothing is overdue, or dead */
	bool uneven; /* what connections there are has changed */
	bool changed; /* questions that waited may be placed now */
	uint64_t recheck; /* or then; UINT64_MAX: never */
};

/* What is to become of a question that no connection takes now. */
enum choice { CHOICE_WAIT, CHOICE_HOLD, CHOICE_FAIL };

/* choice.c */

/*
 * How an address suits a question; the least is the best, CHOICE_NEVER is an
 * upstream that is not of its zone. A bit that says more stands higher: that it
 * is suspect, that connections to it are in doubt, that the question was tried
 * there, then what the policy prefers, and last that it failed lately.
 */
#define CHOICE_NEVER  UINT64_MAX
#define CHOICE_FAILED 1u
#define CHOICE_TRIED  (1u << 17)
/* The index of an address among all. */
#define CHOICE_ADDRESS(u, i) ((u)*POOL_ADDRESSES_MAX + (i))
uint64_t choice_rank(const struct pool *p, const struct question *q,
    uint32_t upstream, uint32_t address);
/* A question begins: what its zone's policy prefers for it. */
void choice_begin(struct pool *p, struct question *q, uint64_t now);
/* A question went out on that connection: one is enough to try an address. */
void choice_asked(
    struct pool *p, const struct question *q, const struct pool_conn *c);
/* It answered a question so many milliseconds after it was asked. */
void choice_measure(struct pool_address *a, uint64_t took, uint64_t now);
/* Whether the question is in flight there, or was answered badly: what it does
 * not prefer, and a race is not run with. */
bool choice_was_tried(const struct pool *p, const struct question *q,
    uint32_t upstream, uint32_t address);
/* The connection to ask it on: the best ranked, of these the least loaded;
 * never one that it is in flight on. NULL: there is none. */
struct pool_conn *choice_pick(struct pool *p, const struct question *q);
/* The most telling reason in its zone, and whose it is. */
enum reason choice_reason(
    const struct pool *p, const struct question *q, uint32_t *upstream);

/* pool_open.c */

/* None took it: opens what should be opened. WAIT: something is under way
 * for any question like it. HOLD: for this one, until p->recheck. */
enum choice
open_provide(struct pool *p, const struct question *q, uint64_t now);
/* The question went out on c: sees to there being enough connections, to
 * what is better than c, and to another address if c's is in doubt. */
void open_follow(struct pool *p, const struct question *q,
    const struct pool_conn *c, uint64_t now);
/* To an address that the question was not tried at. False: there is none that
 * is, or may be, opened; or it has been for too long. */
bool open_untried(struct pool *p, const struct question *q, uint64_t now);
/* A zone where questions flow has two connections that take them. */
void open_spares(struct pool *p, uint64_t now);
/* To a suspect, whatever its back-off. */
void
open_probe(struct pool *p, uint32_t upstream, uint32_t address, uint64_t now);
/* Whether it has no more than that. */
bool open_is_spare(const struct pool *p, const struct pool_conn *c);

/* pool_health.c */

/* An address could not be connected to, or gave nothing. */
void health_failed(struct pool *p, uint32_t upstream, uint32_t address,
    enum reason reason, uint64_t now);
/* A connection that had answered ended with questions, or was dead: another
 * may be opened at once. */
void health_lost(struct pool *p, uint32_t upstream, uint32_t address,
    enum reason reason, uint64_t now);
/* It answered. */
void health_well(struct pool *p, uint32_t upstream, uint32_t address);
/* Probes the suspects that are due; when the next is. */
void health_turn(struct pool *p, uint64_t now);
uint64_t health_due(const struct pool *p, uint64_t now);

/* pool_probe.c */

/* Asks it a question of our own, unless one is under way. */
void probe_begin(struct pool *p, struct pool_conn *c, uint64_t now);
/* Whether the connections that keep it waiting are dead, another can tell: asks
 * that, if nothing else has to be asked there. */
void probe_prove(struct pool *p, const struct question *q, uint64_t now);
/* Whether the message answers that. */
bool probe_is_answered(
    const struct pool_conn *c, uint16_t id, const struct dns_question *q);
/* Whether it is the same question, which must not be there twice. */
bool probe_is_like(const struct question *q);
/* An attempt on it, asked at that time, or the probe, is overdue. */
void
probe_lapse(struct pool *p, struct pool_conn *c, uint64_t asked, uint64_t now);
/* When it has been silent for too long, although it answered some of what was
 * asked at once; lapses if that is now. */
uint64_t probe_silence_due(const struct pool *p, const struct pool_conn *c);
void probe_silence(struct pool *p, struct pool_conn *c, uint64_t now);
/* Something in flight on it, asked at that time, was answered. */
void
probe_heard(struct pool *p, struct pool_conn *c, uint64_t asked, uint64_t now);
/* The question was answered: not by those that still have it. */
void probe_missed(struct pool *p, const struct question *q, uint64_t now);
/* When it is known to be dead; UINT64_MAX: it is not. That others answer what
 * was asked later is no proof as long as what it has may be slow names. */
uint64_t probe_dead(const struct pool *p, const struct pool_conn *c);

/* plain.c */

/* Whether an address is one over UDP. */
bool plain_is_udp(const struct pool *p, uint32_t upstream, uint32_t address);
/* Whether the question is to be asked over this address's transport. */
bool plain_suits(const struct pool *p, const struct question *q,
    uint32_t upstream, uint32_t address);
/* Whether all that the zone has is plain. */
bool plain_is_zone(const struct pool *p, uint32_t zone);
/* The question as it is asked on a socket of UDP: the case of its letters is
 * by chance, and the answer's must be the same. */
void plain_mix(struct dns_question *q, uint64_t letters);
uint64_t plain_letters(struct pool *p);
/* A question went out on this connection. */
void plain_asked(struct pool *p, struct pool_conn *c, uint64_t now);
/* More sockets to where it goes, if there are to be more. */
bool plain_wants_socket(const struct pool *p, const struct pool_conn *c);
/* If its time has come, it takes no more questions. */
void plain_age(struct pool *p, struct pool_conn *c, uint64_t now);
/* The question is to be asked over TCP; msg is told if that fails (NULL:
 * nothing is). False: nobody waits for it. */
bool plain_over_tcp(struct pool *p, struct question *q,
    const struct pool_conn *c, const uint8_t *msg, size_t len);
/* The last attempt at a question goes over TCP, which loses nothing. */
void plain_last(const struct pool *p, struct question *q);
/* Another bad message. False: the socket has been closed. */
bool plain_bad(struct pool *p, struct pool_conn *c, uint64_t now);
/* The datagrams of a question that waits for the budget are lost, as far as
 * can be told: what was asked there later is answered. */
bool
plain_is_lost(const struct pool *p, const struct question *q, uint64_t now);
/* A socket was silent: what that says of its address. */
enum reason plain_blame(const struct pool *p, const struct pool_conn *c);

/* pool_conf.c */

/* Counts again what each address has: when a connection is doubted or is not
 * any more. */
void pool_tally(struct pool *p);

/* pool.c */

uint32_t pool_conn_index(const struct pool *p, const struct pool_conn *c);
/* Whether it has room for so many more. What is overdue takes no place in the
 * window: a few slow names must not keep all others from it. */
bool pool_conn_has_room(const struct pool_conn *c, uint32_t more);
/* Its number is free again. */
void pool_conn_free(struct pool *p, struct pool_conn *c);
/* Finds it a connection, or has one opened, or fails it. True: it waits for
 * a connection as any other of its zone would. */
bool pool_dispatch(struct pool *p, struct question *q, uint64_t now);
void pool_attempt_end(struct pool *p, struct attempt *a);
/* An ID that is in flight on it nowhere; false: none was found. */
bool pool_unused_id(struct pool *p, struct pool_conn *c, uint16_t *id);
/* The time within which it answers, ms. */
uint64_t pool_patience(const struct pool *p, const struct pool_conn *c);
/* Takes it from the list that it is on; what it was given of the budget and has
 * not used goes back. */
void pool_unwant(struct pool *p, struct question *q);
/* An attempt ended without an answer: on to the next, at once or after a rest.
 * upstream: whose that was, UINT32_MAX: nobody's now. */
void pool_lost(struct pool *p, struct question *q, enum reason reason,
    uint32_t upstream, uint64_t now);
/* Tells all who wait, and lets it go. */
void pool_fail(struct pool *p, struct question *q);
void pool_fail_waiter(struct pool *p, struct waiter *w);

#endif
