# Shell functions for who needs a DoT server with a CA of its own: the demo, and
# tests. All files are in $work; nothing here looks beyond loopback.
# shellcheck shell=sh disable=SC2154 # work and host are the caller's

# $work/NAME{,-ca}.{key,pem} for a server called $host: one that is right, and
# one of another CA.
make_certificates() {
	for name in server other; do
		openssl req -x509 -newkey ec -pkeyopt \
		    ec_paramgen_curve:prime256v1 -nodes -days 2 \
		    -subj "/CN=$name CA of the demo" \
		    -keyout "$work/$name-ca.key" -out "$work/$name-ca.pem"
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 \
		    -nodes -subj "/CN=$host" -keyout "$work/$name.key" \
		    -out "$work/$name.csr"
		echo "subjectAltName=DNS:$host" >"$work/ext"
		openssl x509 -req -in "$work/$name.csr" -days 2 \
		    -CA "$work/$name-ca.pem" -CAkey "$work/$name-ca.key" \
		    -extfile "$work/ext" -out "$work/$name.pem"
	done >"$work/openssl.log" 2>&1
}

# pin_of PEM: as dotproxy.conf has it.
pin_of() {
	printf 'sha256/'
	openssl x509 -in "$1" -noout -pubkey |
	    openssl pkey -pubin -outform der |
	    openssl dgst -sha256 -binary | openssl base64
}

# write_server_conf PORT: $work/unbound.conf, for the zone demo.example.
write_server_conf() {
	{
		echo "\$ORIGIN demo.example."
		echo "@ 300 IN SOA ns hostmaster 1 3600 600 86400 60"
		echo "@ 300 IN NS ns"
		echo "ns 300 IN A 127.0.0.1"
		echo "www 300 IN A 192.0.2.80"
		printf 'big 300 IN TXT'
		for i in $(seq 20); do
			printf ' "%02d %0240d"' "$i" 0
		done
		echo
	} >"$work/zone"
	cat >"$work/unbound.conf" <<-CONF
	server:
		interface: 127.0.0.1@$1
		tls-port: $1
		tls-service-key: "$work/server.key"
		tls-service-pem: "$work/server.pem"
		username: ""
		chroot: ""
		directory: "$work"
		pidfile: ""
		use-syslog: no
		logfile: ""
		module-config: "iterator"
		do-not-query-localhost: no
	remote-control:
		control-enable: no
	auth-zone:
		name: "demo.example"
		zonefile: "$work/zone"
		for-upstream: no
		for-downstream: yes
	CONF
}

# until_true WHAT PID COMMAND ...: polls for 10 s, and not once PID is gone.
until_true() {
	what=$1 pid=$2
	shift 2
	for _ in $(seq 200); do
		"$@" && return
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	echo "$what did not start" >&2
	return 1
}
