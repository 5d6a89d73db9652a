# Upstreams that nobody here wrote, on loopback, with zones of their own. Each
# start_ function takes ports, and returns when the server answers.
# shellcheck shell=sh

# zone.example with records of every size, as ./zone.example.zone
make_zone() {
	cat "$here/zone" >zone.example.zone
	awk 'BEGIN {
		for (i = 0; i < 120; i++)
			printf "many A 198.51.100.%d\n", i
		n = split("600 1000 1300 4200 60000", size, " ")
		for (k = 1; k <= n; k++)
			for (i = 0; i < size[k] / 250; i++) {
				printf "txt%d TXT \"%04d ", size[k], i
				for (j = 0; j < 220; j++)
					printf "%c", 97 + (i + j) % 26
				print "\""
			}
	}' >>zone.example.zone
}

# signed.example, with bogus.signed.example whose signature is of another
# record, as ./signed.example.zone; its key is ./anchor.ds and anchor.key.
make_signed_zone() {
	cat >signed.zone <<-END
	\$ORIGIN signed.example.
	\$TTL 3600
	@	SOA	ns hostmaster 1 3600 600 86400 300
	@	NS	ns
	ns	A	127.0.0.1
	a	A	192.0.2.1
	a	AAAA	2001:db8::1
	txt	TXT	"signed"
	one	CNAME	a
	*.wild	A	192.0.2.77
	bogus	A	192.0.2.66
	END
	_ksk=$(ldns-keygen -k -a ECDSAP256SHA256 signed.example)
	_zsk=$(ldns-keygen -a ECDSAP256SHA256 signed.example)
	ldns-signzone -n -f signed.signed signed.zone "$_zsk" "$_ksk" ||
	    atf_fail "ldns-signzone"
	sed 's/192\.0\.2\.66/192.0.2.99/' signed.signed >signed.example.zone
	cp "$_ksk.key" anchor.key
	# What delv wants to read.
	awk '{
		for (i = 1; i <= NF; i++)
			if ($i == "DNSKEY")
				break
		key = $(i + 4)
		for (k = i + 5; k <= NF && $k !~ /^;/; k++)
			key = key $k
		printf "trust-anchors { \"signed.example.\" static-key "
		printf "%s %s %s \"%s\"; };\n", $(i + 1), $(i + 2), $(i + 3), key
	}' anchor.key >anchor.delv
}

listens() { # port
	ss -Hltn "sport = :$1" | grep -q .
}

# unbound PORT: TLS. $unbound_conf has more lines of server:, $unbound_end
# more clauses. Answers zone.example from its file.
start_unbound() {
	cat >unbound.conf <<-END
	server:
		username: ""
		chroot: ""
		directory: "$PWD"
		pidfile: ""
		use-syslog: no
		logfile: ""
		verbosity: 1
		log-queries: ${log_queries:-yes}
		do-daemonize: no
		num-threads: ${unbound_threads:-1}
		interface: 127.0.0.1@$1
		tls-port: $1
		tls-service-key: "${tls_key:-$PWD/server.key}"
		tls-service-pem: "${tls_pem:-$PWD/server.pem}"
		access-control: 127.0.0.0/8 allow
		do-not-query-localhost: no
		incoming-num-tcp: 200
		hide-version: no
		hide-identity: no
		identity: "upstream"
		version: "of a test"
		module-config: "${unbound_modules:-iterator}"
		edns-tcp-keepalive: no
		outgoing-range: 256
		${unbound_conf:-}
	remote-control:
		control-enable: no
	auth-zone:
		name: "zone.example"
		zonefile: "$PWD/zone.example.zone"
		for-upstream: no
		for-downstream: yes
	${unbound_end:-}
	END
	in_background unbound.log unbound -d -p -c unbound.conf
	must 20 listens "$1"
}

# nsd PORT: no TLS; zones are files ZONE.zone of those that are there.
start_nsd() {
	{
		cat <<-END
		server:
			ip-address: 127.0.0.1@$1
			username: ""
			chroot: ""
			zonesdir: "$PWD"
			database: ""
			pidfile: "$PWD/nsd.pid"
			xfrdfile: "$PWD/xfrd.state"
			xfrdir: "$PWD"
			zonelistfile: "$PWD/zone.list"
			server-count: 1
			tcp-count: 200
			verbosity: 1
			version: "of a test"
		remote-control:
			control-enable: no
		END
		for _z in *.example.zone; do
			echo "zone:"
			echo "	name: ${_z%.zone}"
			echo "	zonefile: $_z"
		done
	} >nsd.conf
	in_background nsd.log nsd -d -c nsd.conf
	must 20 listens "$1"
}

# knot PORT: no TLS; zone.example
start_knot() {
	mkdir -p knot
	cat >knot.conf <<-END
	server:
	    rundir: "$PWD/knot"
	    listen: 127.0.0.1@$1
	    udp-workers: 1
	    tcp-workers: 1
	    background-workers: 1
	    version: "of a test"
	log:
	  - target: stderr
	    any: info
	database:
	    storage: "$PWD/knot"
	zone:
	  - domain: zone.example
	    file: "$PWD/zone.example.zone"
	    zonefile-sync: -1
	    journal-content: none
	END
	in_background knot.log knotd -c knot.conf
	must 20 listens "$1"
	must 20 is_answered_by "$1"
}

# A plain upstream of ours: NAME PORT [OPTION ...]. What it is asked is in
# NAME.queries.
start_forger() {
	_name=$1
	_port=$2
	shift 2
	in_background "$_name.log" "$forger" -p "$_port" -l "$_name.queries" "$@"
	must 20 grep -q ready "$_name.log"
}

is_answered_by() { # port
	dig +time=1 +tries=1 @127.0.0.1 -p "$1" zone.example SOA |
	    grep -q 'status: NOERROR'
}

# dnsdist TLS-PORT PORT: in front of what answers at PORT.
start_dnsdist() {
	cat >dnsdist.conf <<-END
	setLocal("127.0.0.1:$(free_port)")
	addTLSLocal("127.0.0.1:$1", "${tls_pem:-$PWD/server.pem}",
	    "${tls_key:-$PWD/server.key}", { maxInFlight = 1000 })
	newServer({ address = "127.0.0.1:$2", tcpRecvTimeout = 5,
	    maxInFlight = 1000 }):setUp()
	setACL({ "127.0.0.0/8" })
	setMaxTCPClientThreads(2)
	setSecurityPollSuffix("")
	setVerboseHealthChecks(false)
	END
	in_background dnsdist.log dnsdist --supervised --disable-syslog \
	    -C dnsdist.conf
	must 20 listens "$1"
}

# direct PORT kdig's arguments: what the upstream says over TLS.
direct() {
	_port=$1
	shift
	kdig +tls @127.0.0.1 -p "$_port" +tls-ca="$PWD/ca.pem" \
	    +tls-host=dns.example +time=6 +retry=0 "$@"
}

# What two answers are compared by: rcode, flags, and the sorted records.
normal() {
	awk '
	/^;; ->>HEADER/ { sub(/; id:.*/, ""); print }
	/^;; Flags:/ { print }
	/^;; [A-Z]+ SECTION:/ { section = $2; next }
	/^$/ { section = ""; next }
	section != "" && !/^;;? ?Received/ {
		gsub(/[ \t]+/, " ")
		print section, $0
	}' | sed 's/ADDITIONAL: [0-9]*//' | sort
}

# The upstream of ours that misbehaves as told: PORT [FAULT ...]. A line for
# each question in upstream.queries, totals in upstream.log when it ends.
start_misbehaving() {
	_port=$1
	shift
	set -- -c "${tls_pem:-server.pem}" -k "${tls_key:-server.key}" \
	    -p "$_port" -t "${upstream_time:-120}" "$@"
	[ "${log_queries:-yes}" = no ] || set -- "$@" --log upstream.queries
	in_background upstream.log "$upstream" "$@"
	must 20 listens "$_port"
}

# dotproxy before it, at $port; it behaves: start_ours [LINE ... of the config]
start_ours() {
	atf_require_prog "$upstream"
	pki
	up=$(free_port)
	port=$(free_port)
	start_misbehaving "$up"
	conf_for "$port" "$up" "$@"
	start_dotproxy
}
