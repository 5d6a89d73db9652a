# A worker that an attacker owns, against the real kernel, the real parent and
# the real TLS process: one case for each of its attacks (owned.c).

owned=$(atf_get_srcdir)/libexec

. "$(atf_get_srcdir)/owned.sh"

# What an owned worker wrote into the cache is told by the one after it, or
# not: poisoned NAME gone|told
poisoned()
{
	mkdir children
	children=$PWD/children
	cp "$owned"/* children
	chmod 755 children
	start_attack "$1"
	wait_for 10 grep -q "worker 0: poisoned" log ||
	    { cat log; atf_fail "it could not poison"; }
	# From now on an honest one.
	cp "$dotproxy-worker" children/next
	mv children/next children/dotproxy-worker
	kill -USR1 "$parent"
	wait_for 10 grep -qF "$says" log ||
	    { cat log; atf_fail "the parent did not say: $says"; }
	wait_for 20 is_served ||
	    { cat log; atf_fail "the next worker does not answer"; }
	case $2 in
	gone)	atf_check -s exit:1 grep -F 192.0.2.66 dig.out
		atf_check -o inline:'1\n' grep -c 'the cache is empty' log ;;
	told)	atf_check -o ignore grep -F 192.0.2.66 dig.out ;;
	esac
	end_parent
}

# However many it asks for: it gets a few, and of nobody that matters.
bounded()
{
	start_attack "$1"
	wait_for 20 grep -qF "$says" log ||
	    { cat log; atf_fail "the parent did not say: $says"; }
	kill -USR1 "$parent"
	wait_for 10 grep -q 'parent: blocks_refused' log ||
	    { cat log; atf_fail "nothing was refused"; }
	# 100 at once and 10 a second, of an attack that takes some.
	made=$(grep -c ' is blocked for ' log)
	[ "$made" -ge 1 ] || { cat log; atf_fail "no block"; }
	[ "$made" -le 300 ] || { cat log; atf_fail "$made blocks"; }
	refused=$(sed -n 's/.*parent: blocks_refused //p' log)
	[ "$refused" -ge 3000 ] || atf_fail "only $refused refused"
	grep ' is blocked ' log | grep -v '203\.[0-9]*\.113\.' >others || :
	atf_check cat others
	end_parent
}

is_served()
{
	dig @127.0.0.1 -p "$port" +time=6 +tries=1 forged.example A >dig.out
}

attack()
{
	case $1 in
	poison_and_exit) poisoned "$1" told; return ;;
	poison_*) poisoned "$1" gone; return ;;
	blocks_whom_it_likes) bounded "$1"; return ;;
	esac
	start_attack "$1"
	wait_for 10 grep -qF "$says" log ||
	    { cat log; atf_fail "the parent did not say: $says"; }
	# It goes on, and has a worker again.
	wait_for 10 grep -qE "worker 0: (starting again|died .* times)|lines dropped|forged" log ||
	    { cat log; atf_fail "the worker was not started again"; }
	end_parent
}

start_attack()
{
	line=$("$owned"/dotproxy-worker -l | awk -F'\t' -v n="$1" '$2 == n')
	number=${line%%	*}
	says=${line##*	}
	start_parent "${children:-$owned}"
}

configure()
{
	cat <<-EOF
	tcp connections each $number
	upstream "gone" {
		address 127.0.0.1 port 9
		name "gone.test"
	}
	forward to "gone"
	EOF
}

# shellcheck disable=SC2046 # a list of names
cases 'an owned worker' $("$owned"/dotproxy-worker -l | cut -f2)
