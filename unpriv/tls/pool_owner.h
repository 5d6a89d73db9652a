/* The pool as the owner of connections: how dotproxy serves. */
#ifndef UNPRIV_TLS_POOL_OWNER_H
#define UNPRIV_TLS_POOL_OWNER_H

#include "conn.h"
#include "pool.h"

const struct conn_owner *pool_owner(struct pool *pool);

#endif
