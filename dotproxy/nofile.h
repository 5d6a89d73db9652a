/*
 * How many descriptors each program may have (RLIMIT_NOFILE), and what for: the
 * parent says so when it starts one, and who counts its own holds it to this.
 */
#ifndef DOTPROXY_NOFILE_H
#define DOTPROXY_NOFILE_H

#include "conf.h"
#include "ipc.h"

/* Of a worker, beside its connections: its sockets, twice while it reloads, and
 * some to spare. */
#define NOFILE_WORKER (4 * CONF_LISTEN_MAX + 64)

/* Of the TLS process, and what of it is no connection to an upstream: its
 * channels, and some to spare. With -t, a handful of connections. */
#define NOFILE_TLS	 1024
#define NOFILE_TLS_TRIAL 256
#define NOFILE_TLS_OTHER (CONF_WORKERS_MAX + 16)

/* Of the socks process: what is no connection to a proxy is some to spare. */
#define NOFILE_SOCKS (IPC_PROXY_MAX + 16)

/* Of the parent: two sets of listeners at a reload, the largest config's. */
#define NOFILE_PARENT 32768

#endif
