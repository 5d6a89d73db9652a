/*
 * The privileged program: its state, and what its files call of each other.
 */
#ifndef PARENT_PARENT_H
#define PARENT_PARENT_H

#include <event2/event.h>
#include <sys/types.h>

#include "dotproxy/bucket.h"
#include "dotproxy/conf.h"
#include "dotproxy/ipc.h"
#include "priv/ipc_log.h"
#include "priv/ward.h"

#include "config.h"
#include "listen.h"
#include "options.h"

#define CHILDREN_MAX (CONF_WORKERS_MAX + 2)

/* Connections that the TLS process may ask for at once, and each second: an
 * upstream that ends each after one answer needs as many as there are misses,
 * and none can go anywhere but to an address of the config. */
#define CONNECT_BURST 1000
#define CONNECT_RATE  500

/* A child that ran this long was well: its next start waits for nothing. One
 * that broke a rule will do so again for whoever made it: longer. */
#define CHILD_WELL_MS	  1000
#define CHILD_BROKE_MS	  60000
#define CHILD_BACKOFF_MS  50
#define CHILD_BACKOFF_MAX 10000

/* Messages of a dead child: more than fit in its channel, and not for ever,
 * should a sibling have got hold of its end. */
#define LAST_WORDS 4096

struct child {
	struct parent *parent;
	enum ipc_role role;
	uint32_t index; /* of a worker */
	char name[16]; /* "tls", "worker 0" */
	pid_t pid; /* 0: not running */
	struct ipc ipc;
	struct event *readable;
	uint64_t started; /* ms */
	uint32_t quick_deaths; /* in a row */
	uint32_t layers; /* SANDBOX_*, as it says */
	uint32_t generation; /* of the config it runs; 0: none yet */
	uint32_t refused; /* system call it is about to die of, + 1 */
	uint32_t counts; /* IPC_COUNT that it has not answered */
	bool broke; /* a rule, and was killed for it */
	struct ipc_log_limit log;
	struct bucket blocks;
};

/* A connection that a proxy is making. */
struct pending {
	uint32_t id; /* ours, for the socks process */
	uint32_t serial; /* the TLS process's */
	uint64_t since; /* ms */
	int fd; /* -1: who asked for it is gone */
	bool used;
};

struct parent {
	struct event_base *base;
	struct conf *conf; /* in force */
	uint32_t generation; /* of it */
	uint32_t workers;
	struct listeners listeners;
	struct config_files files; /* memfds of it */
	int cache; /* memory that the workers share, -1: none */
	struct siphash_key way_key; /* of ipc_upstream.way */
	struct siphash_key cache_key;
	struct ward ward;
	bool asks_elsewhere; /* than what filled the cache did */
	/* [0] is tls, then the workers, then socks, once it was needed. */
	struct child child[CHILDREN_MAX];
	uint32_t nchildren;
	uint32_t nofile_worker, nofile_tls;
	bool confine_uid; /* root: children get a user of their own */
	uid_t uid;
	gid_t gid;
	char libexec[PATH_MAX];
	int null; /* /dev/null, for the children */
	bool verbose;
	bool trial; /* -t: a trial, and nobody is served */
	bool ready; /* was said */
	bool stopping;
	struct bucket connect;
	struct pending pending[IPC_PROXY_MAX];
	/* Where the kernel sends from to each address; family 0: no way. */
	struct netaddr source[CONF_UPSTREAMS_MAX][CONF_ADDRESSES_MAX];
	struct event *routes, *settled;
	uint64_t changed; /* ms, first and not yet looked at */
	uint32_t layers; /* of the parent itself */
};

/* child.c: the life of a child. */
void child_init(
    struct parent *p, struct child *c, enum ipc_role role, uint32_t index);
/* Forks and execs it. When the machine has no room for a process it is tried
 * again later; before anybody is served that is fatal. */
void child_start(struct child *c);
/* Reaps what has died, says of what, and starts it again in time. */
void child_reap(struct parent *p);
void child_kill(struct child *c, const char *why);
/* Its end of the channel is closed: it is dying, or dies of it. */
void child_gone(struct child *c);

/* dispatch.c: what children say. */
void dispatch_readable(evutil_socket_t fd, short what, void *child);
/* Takes what is there, but so many messages at most. */
void dispatch_some(struct child *c, int max);

/* The answer to IPC_CONNECT; fd stays the caller's, -1: there is none. */
void connect_answer(struct parent *p, uint32_t serial, uint32_t error, int fd);

/* proxy.c: connections by way of a SOCKS5 proxy. */
void proxy_start(struct parent *p); /* the process, if the config needs it */
/* 0: connect_answer comes later; else its error. */
uint32_t proxy_ask(struct parent *p, uint32_t serial,
    const struct conf_upstream *u, const struct netaddr *to);
void proxy_answer(struct child *c, const struct ipc_proxied *said);
void proxy_gone(struct child *c); /* any child that ended */

/* network.c: the ways that the kernel takes. */
void network_watch(struct parent *p); /* before the confinement */
/* Looks at them all, and tells the TLS process which are new. */
void network_look(struct parent *p, bool tell);

/* configure.c: what children are told. */
void configure_child(struct child *c); /* the whole config in force */
void configure_peers(struct parent *p, struct child *c); /* its channels */
/* The cache begins anew: other memory, which whoever had only the memory from
 * before cannot reach. why is for the log; NULL: nobody had any. */
void configure_cache(struct parent *p, const char *why);

/* A timer's: cookies are made with another secret. Without EV_TIMEOUT those of
 * before are not good any more. */
void configure_cookies(evutil_socket_t fd, short what, void *parent);
/* Tells all workers: an ipc_conf_tell. */
void configure_workers(
    void *parent, enum ipc_type type, const void *payload, size_t len, int fd);

/* trial.c: dotproxy -t. */
int trial_run(struct parent *p, const struct options *o); /* exit status */
void trial_take(struct child *c, const struct ipc_trial *t);
void trial_done(struct child *c);

/* main.c */
void parent_ready(struct parent *p); /* a child became ready */
void parent_stopped(struct parent *p); /* a child stopped or died */

#endif
