# A TLS process that an attacker owns, against the real parent: whatever it asks
# for beside the configured addresses, it gets nothing and is killed.

owned=$(atf_get_srcdir)/libexec-tls
dotproxy=$(atf_get_srcdir)/../../dotproxy

# wait_for SECONDS COMMAND...: until it is true.
wait_for()
{
	limit=$(($1 * 20))
	shift
	while ! "$@" >/dev/null 2>&1; do
		limit=$((limit - 1))
		[ $limit -gt 0 ] || return 1
		sleep 0.05
	done
}

attack()
{
	mkdir empty
	for try in 1 2 3 4 5 6 7 8; do
		start "$1" $((($$ * 7 + try * 1009) % 20000 + 10000))
		grep -q "Address already in use" log || break
	done
	wait_for 10 grep -q \
	    'killed: a connection to what it was never given' log ||
	    { cat log; atf_fail "the parent did not kill it"; }
	! grep -q 'got it' log || { cat log; atf_fail "it got a socket"; }
	wait_for 10 grep -qE 'tls: (starting again|died .* times)' log ||
	    { cat log; atf_fail "it was not started again"; }
	kill -TERM "$parent"
	wait "$parent" || { cat log; atf_fail "the parent did not exit with 0"; }
	rm pid
}

# With this port, until it is ready or has said why not.
start()
{
	cat >conf <<-EOF
	listen on 127.0.0.1 port $2
	workers 1
	user "nobody"
	chroot "$PWD/empty"
	upstream "$1" {
		address 127.0.0.1 port 9
		name "gone.test"
	}
	forward to "$1"
	EOF
	chmod go-w conf
	"$dotproxy" -d -f conf -L "$owned" >log 2>&1 &
	parent=$!
	echo $parent >pid
	wait_for 10 grep -qE ': ready, |not serving|could not start|killed' log
}

for name in $("$(atf_get_srcdir)"/libexec-tls/dotproxy-tls -l); do
	eval "
	atf_test_case $name cleanup
	${name}_head() {
		atf_set descr 'an owned TLS process asks for: $name'
		atf_set timeout 60
	}
	${name}_body() { attack $name; }
	${name}_cleanup() { [ ! -f pid ] || kill -KILL \$(cat pid) 2>/dev/null || :; }
	"
done

atf_init_test_cases()
{
	for name in $("$(atf_get_srcdir)"/libexec-tls/dotproxy-tls -l); do
		atf_add_test_case "$name"
	done
}
