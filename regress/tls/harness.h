/*
 * Plays the parent and the workers to a real dotproxy-tls, and a TLS server to
 * its connections, all on loopback. What does not come in time fails the test.
 */
#ifndef REGRESS_TLS_HARNESS_H
#define REGRESS_TLS_HARNESS_H

#include <stdarg.h>
#include <sys/types.h>

#include "dotproxy/ipc.h"

#include "pki.h"

#define HARNESS_WAIT_MS 8000
#define HARNESS_WORKERS 2
#define HARNESS_SERVERS 8
#define HARNESS_ANSWERS 512
#define HARNESS_HOST	"dns.example.net"

/* An answer or a failure that a worker was given. */
struct harness_answer {
	uint32_t worker;
	uint64_t id;
	enum ipc_answer_kind kind;
	uint16_t ede;
	uint16_t len;
	uint8_t body[512]; /* the first bytes of it */
};

/* What an upstream of the config is. */
struct harness_upstream {
	const char *name, *host, *ca; /* ca: PEM */
	struct netaddr address[4];
	uint32_t naddress;
	const struct pki_cert *pin[2];
	uint32_t npin;
};

struct harness {
	pid_t pid;
	struct ipc parent; /* our end, as the parent */
	struct ipc worker[HARNESS_WORKERS]; /* our ends, as the workers */
	struct ipc_buffer buffer;
	uint32_t layers, generation, ready;
	const struct harness_upstream *upstream;
	uint32_t connects; /* asked of us */
	int refuse; /* an errno to answer IPC_CONNECT with */
	bool broken, ended;
	struct ipc_counters counters;
	bool counted;
	struct harness_answer answer[HARNESS_ANSWERS];
	size_t nanswer;
	char log[16384]; /* all lines so far */
	pid_t server[HARNESS_SERVERS];
	size_t nserver;
};

/* Starts the program and waits until it is confined. */
void harness_start(struct harness *h);
/* Ends it and the servers, whatever they do. */
void harness_kill(struct harness *h);
/* Sends a config. Does not wait. */
void harness_send_config(
    struct harness *h, const struct harness_upstream *upstream, uint32_t n);
/* Sends it and waits until it is taken. */
void harness_configure(
    struct harness *h, const struct harness_upstream *upstream, uint32_t n);
/* Gives it a (new) channel to a worker, which is us. */
void harness_peer(struct harness *h, uint32_t worker);
/* A question of a worker: an A record, RD. */
void
harness_ask(struct harness *h, uint32_t worker, uint64_t id, const char *name);

/* Takes what comes until so many answers came in all. */
void harness_answers(struct harness *h, size_t n);
/* Takes what comes until the log says so. */
void harness_log(struct harness *h, const char *text);
/* ... until it accused a worker. */
void harness_broken(struct harness *h);
/* Takes what comes for so long (or until the program ended). */
void harness_run(struct harness *h, int ms);
/* Until the program ended: its wait status. */
int harness_end(struct harness *h);
/* Its counters, as they are now. */
void harness_count(struct harness *h);
const struct harness_answer *
harness_answer_of(struct harness *h, uint32_t worker, uint64_t id);

/*
 * A TLS server on 127.0.0.1 in a process of its own, until harness_kill: it
 * answers each question with the question, or does what the faults say.
 */
enum harness_fault {
	SERVER_GOOD,
	SERVER_SILENT, /* never answers */
	SERVER_ONE_EACH, /* closes a connection after one answer */
	SERVER_RESETS, /* ... and resets it */
	SERVER_HALF, /* sends half an answer, once, and closes */
	SERVER_WRONG_ID, /* a wrong ID and a wrong question come first */
	SERVER_NO_TLS, /* speaks none */
	SERVER_CLOSES /* accepts, reads and closes */
};
struct netaddr harness_serve(struct harness *h, const struct pki_cert *leaf,
    const struct pki_cert *inter, enum harness_fault fault);
/* An address nobody listens on. */
struct netaddr harness_nobody(void);

#endif
