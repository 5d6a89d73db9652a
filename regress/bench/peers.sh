# Shell functions of the bench: each start_NAME writes the config of one server
# and starts it in the foreground on 127.0.0.1:$port, pinned by $pin. All are
# given the same: one thread that answers, a cache of $cache MB, no log, the
# upstream at 127.0.0.1:$up with its certificate verified by name and CA, and
# as many questions in flight as there may be. None validates DNSSEC, fetches
# ahead, or answers from what has expired.
# shellcheck shell=sh disable=SC2154,SC2086 # the caller's; $pin is words

start_limit() {
	$pin "$obj/regress/bench/echo" "$port" &
}

# A packet cache is so many entries here; its manual reckons half a kB each.
start_dnsdist() {
	cat >"$work/dnsdist.conf" <<-CONF
	setLocal("127.0.0.1:$port")
	setMaxTCPClientThreads(1)
	setMaxUDPOutstanding(65535)
	setVerboseHealthChecks(false)
	setSecurityPollSuffix("")
	newServer({address="127.0.0.1:$up", tls="openssl",
	    caStore="$work/server-ca.pem", subjectName="$host",
	    validateCertificates=true, checkInterval=60, sockets=1,
	    maxInFlight=1000})
	pc = newPacketCache($((cache * 2048)), {maxTTL=86400, numberOfShards=1})
	getPool(""):setCache(pc)
	CONF
	$pin dnsdist --supervised --disable-syslog -C "$work/dnsdist.conf" &
}

# A third for messages and the rest for record sets, as its manual advises; by
# default it hangs up after 200 questions, which would cost it a handshake.
start_unbound() {
	cat >"$work/peer-unbound.conf" <<-CONF
	server:
		interface: 127.0.0.1@$port
		num-threads: 1
		msg-cache-size: $((cache / 3))m
		rrset-cache-size: $((cache - cache / 3))m
		msg-cache-slabs: 1
		rrset-cache-slabs: 1
		infra-cache-slabs: 1
		outgoing-range: 8192
		num-queries-per-thread: 4096
		outgoing-num-tcp: 100
		max-reuse-tcp-queries: 100000000
		so-rcvbuf: 4m
		tls-cert-bundle: "$work/server-ca.pem"
		do-not-query-localhost: no
		module-config: "iterator"
		username: ""
		chroot: ""
		directory: "$work"
		pidfile: ""
		use-syslog: no
		logfile: ""
		verbosity: 0
	remote-control:
		control-enable: no
	forward-zone:
		name: "."
		forward-tls-upstream: yes
		forward-addr: 127.0.0.1@$up#$host
	CONF
	$pin unbound -d -c "$work/peer-unbound.conf" &
}

start_knot_resolver() {
	mkdir -p "$work/kresd"
	cat >"$work/kresd.conf" <<-CONF
	net.listen('127.0.0.1', $port, { kind = 'dns' })
	log_level('crit')
	cache.open($cache * MB, 'lmdb://$work/kresd')
	trust_anchors.remove('.')
	modules.unload('priming')
	modules.unload('ta_update')
	modules.unload('ta_signal_query')
	modules.unload('ta_sentinel')
	modules.unload('edns_keepalive')
	policy.add(policy.all(policy.TLS_FORWARD({{ '127.0.0.1@$up',
	    hostname = '$host', ca_file = '$work/server-ca.pem' }})))
	CONF
	$pin kresd -n -c "$work/kresd.conf" "$work/kresd" &
}

# Its cache, too, is so many entries.
start_smartdns() {
	cat >"$work/smartdns.conf" <<-CONF
	bind 127.0.0.1:$port -no-speed-check -no-dualstack-selection
	server-tls 127.0.0.1:$up -host-name $host -tls-host-verify $host
	ca-file $work/server-ca.pem
	cache-size $((cache * 2048))
	cache-persist no
	prefetch-domain no
	serve-expired no
	speed-check-mode none
	dualstack-ip-selection no
	tcp-idle-time 120
	log-level fatal
	log-size 0
	audit-enable no
	CONF
	$pin smartdns -f -x -p - -c "$work/smartdns.conf" &
}

start_stubby() {
	cat >"$work/stubby.yml" <<-CONF
	resolution_type: GETDNS_RESOLUTION_STUB
	dns_transport_list:
	  - GETDNS_TRANSPORT_TLS
	tls_authentication: GETDNS_AUTHENTICATION_REQUIRED
	tls_query_padding_blocksize: 128
	tls_ca_file: "$work/server-ca.pem"
	edns_client_subnet_private: 1
	round_robin_upstreams: 0
	idle_timeout: 60000
	limit_outstanding_queries: 0
	listen_addresses:
	  - 127.0.0.1@$port
	upstream_recursive_servers:
	  - address_data: 127.0.0.1
	    tls_port: $up
	    tls_auth_name: "$host"
	CONF
	$pin stubby -C "$work/stubby.yml" &
}

# A keyword that this version does not know yet is left out, and said so.
start_dotproxy() {
	conf=$work/$name
	{
		echo "workers ${workers:-1}"
		echo "listen on 127.0.0.1 port $port"
		echo 'upstream "bench" {'
		echo "    address 127.0.0.1 port $up"
		echo "    name \"$host\""
		echo "    ca \"$work/server-ca.pem\""
		echo "    pin \"$(pin_of "$work/server-ca.pem")\""
		echo "}"
		echo 'forward to "bench"'
	} >"$conf.conf"
	{
		cat "$conf.conf"
		echo "cache size ${cache}M"
	} >"$conf.cached"
	if "$obj/dotproxy" -n -f "$conf.cached" >/dev/null 2>&1; then
		mv "$conf.cached" "$conf.conf"
	else
		note "dotproxy knows no \"cache size\": it is measured without"
	fi
	$pin "$obj/dotproxy" -d -L "$obj" -f "$conf.conf" &
}
