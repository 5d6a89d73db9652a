# A TLS process that an attacker owns, against the real parent: whatever it asks
# for beside the configured addresses, it gets nothing and is killed.

owned=$(atf_get_srcdir)/libexec-tls

. "$(atf_get_srcdir)/owned.sh"

attack()
{
	name=$1
	start_parent "$owned"
	wait_for 10 grep -q \
	    'killed: a connection to what it was never given' log ||
	    { cat log; atf_fail "the parent did not kill it"; }
	! grep -q 'got it' log || { cat log; atf_fail "it got a socket"; }
	wait_for 10 grep -qE 'tls: (starting again|died .* times)' log ||
	    { cat log; atf_fail "it was not started again"; }
	end_parent
}

configure()
{
	cat <<-EOF
	upstream "$name" {
		address 127.0.0.1 port 9
		name "gone.test"
	}
	forward to "$name"
	EOF
}

# shellcheck disable=SC2046 # a list of names
cases 'an owned TLS process asks for' $("$owned"/dotproxy-tls -l)
