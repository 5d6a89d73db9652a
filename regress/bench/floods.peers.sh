# Shell functions of `make bench-floods`: each start_NAME writes the config of
# one server and starts it in the foreground at 10.9.0.1 in the namespace
# $near, pinned by $pin: one thread that answers, 32 MB of cache, 500 questions
# a second for one address, the upstream at 127.0.0.1:853 by DoT with its
# certificate verified.
# shellcheck shell=sh disable=SC2154,SC2086 # the caller's; $pin is words

peer() { exec nsenter -t "$near" -n $pin "$@"; }

# What it is to receive, and nothing else.
start_receive() {
	peer "$obj/regress/bench/echo" -d 53 &
}

start_dotproxy() {
	more | conf_crowded
	peer "$obj/dotproxy" -d -L "$obj" -f dotproxy.conf &
}

# What the config of a scenario has of its own.
more() {
	echo "cache size 32M"
	[ "$scenario" != zone+ ] || echo "limit zone rate 100"
}

start_dnsdist() {
	cat >dnsdist.conf <<-CONF
	setLocal("$server:53")
	setACL("0.0.0.0/0")
	setMaxTCPClientThreads(1)
	setMaxUDPOutstanding(65535)
	setVerboseHealthChecks(false)
	setSecurityPollSuffix("")
	newServer({address="127.0.0.1:853", tls="openssl",
	    caStore="$PWD/ca.pem", subjectName="dns.example",
	    validateCertificates=true, checkInterval=60, sockets=1,
	    maxInFlight=1000})
	addAction(MaxQPSIPRule(500, 32, 56, 1000), DropAction())
	pc = newPacketCache(65536, {maxTTL=86400, numberOfShards=1})
	getPool(""):setCache(pc)
	CONF
	peer dnsdist --supervised --disable-syslog -C dnsdist.conf &
}

start_unbound() {
	cat >peer-unbound.conf <<-CONF
	server:
		interface: $server@53
		access-control: 0.0.0.0/0 allow
		num-threads: 1
		ip-ratelimit: 500
		msg-cache-size: 10m
		rrset-cache-size: 22m
		msg-cache-slabs: 1
		rrset-cache-slabs: 1
		infra-cache-slabs: 1
		ip-ratelimit-slabs: 1
		outgoing-range: 8192
		num-queries-per-thread: 4096
		outgoing-num-tcp: 100
		incoming-num-tcp: 1000
		max-reuse-tcp-queries: 100000000
		so-rcvbuf: 4m
		tls-cert-bundle: "$PWD/ca.pem"
		do-not-query-localhost: no
		module-config: "iterator"
		username: ""
		chroot: ""
		directory: "$PWD"
		pidfile: ""
		use-syslog: no
		logfile: ""
		verbosity: 0
	remote-control:
		control-enable: no
	forward-zone:
		name: "."
		forward-tls-upstream: yes
		forward-addr: 127.0.0.1@853#dns.example
	CONF
	peer unbound -d -c peer-unbound.conf &
}
